"""An embedding fitted to labelled photos: heads on stored embeddings, and fine-tuning."""
