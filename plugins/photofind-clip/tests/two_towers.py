"""A small model of two towers, trained on made pictures with captions: colours times shapes.

The towers are one hidden layer each, trained with CLIP's symmetric contrastive loss and Adam, by
hand; then they are written as ONNX files, with a tokenizer, as a real model is laid out. Tests that
import it are skipped where its libraries are not installed.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from threadpoolctl import threadpool_limits

if importlib.util.find_spec("onnxruntime") is None:  # Importing it is for the plugin to do.
    pytest.skip("ONNX Runtime is not installed", allow_module_level=True)
pytest.importorskip("tokenizers")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: E402

COLOURS = {
    "red": (215, 25, 30), "green": (30, 160, 60), "blue": (30, 60, 210), "yellow": (240, 220, 30),
    "white": (250, 250, 250), "black": (8, 8, 8),
}  # fmt: skip
SHAPES = ("circle", "square", "triangle", "cross")
SIDE, SMALL, HIDDEN, DIMENSION, CONTEXT = 32, 16, 96, 24, 8
FILLERS = ("a", "one", "big", "picture", "of", "the")
TEMPLATES = ("a {}", "one {}", "a big {}", "picture of a {}", "the {}", "{}")
MEAN, DEVIATION = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)
VISION, TEXT = ("v1", "b1", "v2"), ("t1", "c1", "t2")
SPECIAL = ("[PAD]", "[UNK]")
VOCABULARY = {word: n for n, word in enumerate((*SPECIAL, *FILLERS, *COLOURS, *SHAPES))}


def draw(colour: str, shape: str, random: np.random.Generator, side: int = 4 * SIDE) -> Image.Image:
    """Return a picture of a shape somewhere on a greyish ground."""
    ground = random.integers(90, 160) + random.integers(-12, 13, 3)
    picture = Image.new("RGB", (side, side), tuple(int(one) for one in ground))
    radius = random.uniform(0.28, 0.42) * side
    x, y = (random.uniform(radius, side - radius) for _ in range(2))
    fill = tuple(int(one) for one in np.clip(COLOURS[colour] + random.normal(0, 8, 3), 0, 255))
    pen = ImageDraw.Draw(picture)
    box = (x - radius, y - radius, x + radius, y + radius)
    if shape == "circle":
        pen.ellipse(box, fill)
    elif shape == "square":
        pen.rectangle(box, fill)
    elif shape == "triangle":
        pen.polygon([(x, box[1]), (box[2], box[3]), (box[0], box[3])], fill)
    else:
        third = radius / 3
        pen.rectangle((x - third, box[1], x + third, box[3]), fill)
        pen.rectangle((box[0], y - third, box[2], y + third), fill)
    return picture


def captioned(count: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """Return so many pictures of each pair, uint8 (n, SIDE, SIDE, 3), and their captions."""
    random = np.random.default_rng(seed)
    pairs = [(colour, shape) for colour in COLOURS for shape in SHAPES] * count
    pictures = [np.asarray(draw(*pair, random).resize((SIDE, SIDE))) for pair in pairs]
    captions = [random.choice(TEMPLATES).format(" ".join(pair)) for pair in pairs]
    return np.stack(pictures), captions


@threadpool_limits.wrap(1)  # Threads that wait for each other would take longer.
def train(seed: int = 0, steps: int = 700) -> dict[str, np.ndarray]:
    """Return the weights of both towers."""
    random = np.random.default_rng(seed)
    pictures, captions = captioned(40, seed)
    seen, read = _seen(pictures), np.stack([_counts(one) for one in captions])
    kind = np.arange(len(pictures)) % (len(COLOURS) * len(SHAPES))

    def drawn(*shape: int) -> np.ndarray:
        return random.normal(0, np.sqrt(2 / shape[0]), shape)

    weights = {
        "v1": drawn(seen.shape[1], HIDDEN), "b1": np.zeros(HIDDEN),
        "t1": drawn(len(VOCABULARY), HIDDEN), "c1": np.zeros(HIDDEN),
        "v2": drawn(HIDDEN, DIMENSION), "t2": drawn(HIDDEN, DIMENSION),
    }  # fmt: skip
    weights["t1"][VOCABULARY["[UNK]"]] = 0  # No caption has it: it would stay as it was drawn.
    moments = {name: [np.zeros_like(one), np.zeros_like(one)] for name, one in weights.items()}
    for step in range(1, steps + 1):
        # One of each kind: no two captions of a batch mean the same.
        batch = np.array(
            [random.choice(np.flatnonzero(kind == one)) for one in range(kind.max() + 1)]
        )
        for name, slope in _slopes(weights, seen[batch], read[batch]).items():
            first, second = moments[name]
            first += 0.1 * (slope - first)
            second += 0.001 * (slope**2 - second)
            scaled = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
            weights[name] -= 2e-3 * scaled + 1e-5 * weights[name]
    return {name: one.astype(np.float32) for name, one in weights.items()}


def _slopes(w: dict[str, np.ndarray], seen: np.ndarray, read: np.ndarray) -> dict[str, np.ndarray]:
    """Return the slopes of the contrastive loss, by back-propagation."""
    temperature = 12.0
    hidden_v, hidden_t = (
        np.maximum(seen @ w["v1"] + w["b1"], 0),
        np.maximum(read @ w["t1"] + w["c1"], 0),
    )
    raw_v, raw_t = hidden_v @ w["v2"], hidden_t @ w["t2"]
    long_v, long_t = (np.linalg.norm(one, axis=1, keepdims=True) + 1e-9 for one in (raw_v, raw_t))
    unit_v, unit_t = raw_v / long_v, raw_t / long_t
    scores = temperature * unit_v @ unit_t.T
    along, across = (np.exp(scores - scores.max(axis=axis, keepdims=True)) for axis in (1, 0))
    wrong = along / along.sum(axis=1, keepdims=True) + across / across.sum(axis=0, keepdims=True)
    wrong = (wrong - 2 * np.eye(len(seen))) * temperature / (2 * len(seen))

    def of_raw(slope: np.ndarray, unit: np.ndarray, length: np.ndarray) -> np.ndarray:
        return (slope - unit * (slope * unit).sum(axis=1, keepdims=True)) / length

    back_v, back_t = (
        of_raw(wrong @ unit_t, unit_v, long_v),
        of_raw(wrong.T @ unit_v, unit_t, long_t),
    )
    on_v, on_t = (back_v @ w["v2"].T) * (hidden_v > 0), (back_t @ w["t2"].T) * (hidden_t > 0)
    return {
        "v1": seen.T @ on_v, "b1": on_v.sum(axis=0), "v2": hidden_v.T @ back_v,
        "t1": read.T @ on_t, "c1": on_t.sum(axis=0), "t2": hidden_t.T @ back_t,
    }  # fmt: skip


def _seen(pictures: np.ndarray) -> np.ndarray:
    """Return what the first layer is given: half the size, scaled as the extractor scales."""
    scaled = ((pictures / 255 - MEAN) / DEVIATION).transpose(0, 3, 1, 2)
    halves = scaled.reshape(len(pictures), 3, SMALL, SIDE // SMALL, SMALL, SIDE // SMALL)
    return halves.mean(axis=(3, 5)).reshape(len(pictures), -1)


def _counts(caption: str) -> np.ndarray:
    counts = np.zeros(len(VOCABULARY))
    for word in caption.split():
        counts[VOCABULARY[word]] += 1
    return counts


def write(folder: Path, weights: dict[str, np.ndarray]) -> Path:
    """Write the model into a folder, as Hugging Face and open_clip lay it out."""
    folder.mkdir(parents=True, exist_ok=True)
    vision = [
        helper.make_node(
            "AveragePool", ["pixel_values"], ["small"], kernel_shape=[2, 2], strides=[2, 2]
        ),
        helper.make_node("Flatten", ["small"], ["flat"]),
        helper.make_node("Gemm", ["flat", "v1", "b1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "v2"], ["image_embeds"]),
    ]
    text = [
        helper.make_node("Gather", ["t1", "input_ids"], ["words"]),
        helper.make_node("Cast", ["attention_mask"], ["there"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["there", "last"], ["column"]),
        helper.make_node("Mul", ["words", "column"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "c1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "t2"], ["text_embeds"]),
    ]
    axes = {"last": np.array([2], np.int64), "middle": np.array([1], np.int64)}
    first, second = ({one: weights[one] for one in names} for names in (VISION, TEXT))
    pictures = {"pixel_values": (TensorProto.FLOAT, ["N", 3, "h", "w"])}
    tokens = dict.fromkeys(("input_ids", "attention_mask"), (TensorProto.INT64, ["N", "length"]))
    _save(folder / "vision_model.onnx", vision, first, pictures, "image_embeds")
    _save(folder / "text_model.onnx", text, second | axes, tokens, "text_embeds")
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("$0", None, [])
    tokenizer.save(str(folder / "tokenizer.json"))
    for name, value in {
        "tokenizer_config": {"model_max_length": CONTEXT, "pad_token": "[PAD]"},
        "preprocessor_config": {
            "do_center_crop": True, "crop_size": {"height": SIDE, "width": SIDE},
            "size": {"shortest_edge": SIDE}, "do_rescale": True, "rescale_factor": 1 / 255,
            "do_normalize": True, "image_mean": MEAN, "image_std": DEVIATION,
        },
    }.items():  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(value))
    return folder


def _save(path, nodes, weights, inputs, output) -> None:
    graph = helper.make_graph(
        nodes, path.stem,
        [helper.make_tensor_value_info(name, *one) for name, one in inputs.items()],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", DIMENSION])],
        [numpy_helper.from_array(one, name) for name, one in weights.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
