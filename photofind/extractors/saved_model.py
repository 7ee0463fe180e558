"""Opening a SavedModel, whose operations are looked at before any of them runs.

A SavedModel is a program for TensorFlow, which has operations that read and write files, call
Python or talk to other machines. So a graph may hold those alone that compute: anything that is not
in :data:`OPERATIONS` is refused, in the graph and in its library of functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from photofind.errors import ExtractorError

__all__ = ["OPERATIONS", "check_saved_model", "load_saved_model"]

_OPERATIONS = """
    Abs Acos Acosh Add AddN AddV2 All Angle Any ApproximateEqual ArgMax ArgMin Asin Asinh Atan Atan2
    Atanh BatchMatMul BatchMatMulV2 BatchMatMulV3 Betainc Bincount Bucketize Cast Ceil ClipByValue
    Complex ComplexAbs Conj Cos Cosh Cross Cumprod Cumsum CumulativeLogsumexp DenseBincount Digamma
    Div DivNoNan Equal Erf Erfc Erfinv EuclideanNorm Exp Expm1 Floor FloorDiv FloorMod Greater
    GreaterEqual Igamma Igammac Imag Inv IsFinite IsInf IsNan Less LessEqual Lgamma LinSpace Log
    Log1p LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean Min Minimum Mod Mul MulNoNan Ndtri
    Neg NextAfter NotEqual Polygamma Pow Prod Range Real RealDiv Reciprocal Rint Round Rsqrt
    SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum Select SelectV2 Sigmoid Sign Sin Sinh
    Sqrt Square SquaredDifference Sub Sum Tan Tanh TruncateDiv TruncateMod UnsortedSegmentMax
    UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum Xdivy Xlog1py Xlogy Zeta

    AvgPool AvgPool3D BatchNormWithGlobalNormalization BiasAdd BiasAddV1 Conv Conv2D
    Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D Conv3DBackpropInput Conv3DBackpropInputV2
    DataFormatDimMap DataFormatVecPermute DepthwiseConv2dNative
    DepthwiseConv2dNativeBackpropInput Dilation2D Elu FusedBatchNorm FusedBatchNormV2
    FusedBatchNormV3 FusedPadConv2D InTopK InTopKV2 L2Loss LRN LeakyRelu LogSoftmax MaxPool
    MaxPool3D MaxPoolV2 MaxPoolWithArgmax NthElement Relu Relu6 Selu Softmax Softplus Softsign TopK
    TopKV2

    BatchMatrixBandPart BatchMatrixDiag BatchToSpace BatchToSpaceND Bitcast BroadcastArgs
    BroadcastTo CheckNumerics CheckNumericsV2 Concat ConcatOffset ConcatV2 ConjugateTranspose Const
    DeepCopy DepthToSpace Dequantize Diag DiagPart Empty EnsureShape ExpandDims ExtractImagePatches
    ExtractVolumePatches FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
    FakeQuantWithMinMaxVarsPerChannel Fill Gather GatherNd GatherV2 GuaranteeConst Identity
    IdentityN InvertPermutation ListDiff LowerBound MatrixBandPart MatrixDiag MatrixDiagPart
    MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2
    MatrixSetDiagV3 MirrorPad OneHot OnesLike Pack Pad PadV2 ParallelConcat Placeholder
    PlaceholderV2 PlaceholderWithDefault PreventGradient QuantizeAndDequantize
    QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 QuantizeV2 Rank Reshape
    Reverse ReverseSequence ReverseV2 ScatterNd Shape ShapeN Size Slice Snapshot SpaceToBatch
    SpaceToBatchND SpaceToDepth Split SplitV Squeeze StopGradient StridedSlice TensorScatterAdd
    TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate
    Tile Transpose Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 Unpack UnravelIndex
    UpperBound Where ZerosLike

    BandedTriangularSolve Cholesky Einsum LogMatrixDeterminant Lu MatrixDeterminant
    MatrixExponential MatrixInverse MatrixLogarithm MatrixSolve MatrixSolveLs MatrixSquareRoot
    MatrixTriangularSolve Qr SelfAdjointEig SelfAdjointEigV2 Svd TridiagonalMatMul TridiagonalSolve
    BatchFFT BatchFFT2D BatchIFFT BatchIFFT2D FFT FFT2D FFT3D IFFT IFFT2D IFFT3D IRFFT IRFFT2D
    IRFFT3D RFFT RFFT2D RFFT3D BitwiseAnd BitwiseOr BitwiseXor Invert LeftShift PopulationCount
    RightShift BesselI0 BesselI0e BesselI1 BesselI1e Dawsn Expint FresnelCos FresnelSin Spence

    AdjustContrastv2 AdjustHue AdjustSaturation CombinedNonMaxSuppression CropAndResize
    ExtractGlimpse ExtractGlimpseV2 HSVToRGB ImageProjectiveTransformV2 ImageProjectiveTransformV3
    NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4
    NonMaxSuppressionV5 NonMaxSuppressionWithOverlaps RGBToHSV ResizeArea ResizeBicubic
    ResizeBilinear ResizeNearestNeighbor ScaleAndTranslate

    Multinomial ParameterizedTruncatedNormal RandomGamma RandomPoissonV2 RandomShuffle
    RandomStandardNormal RandomUniform RandomUniformInt StatelessMultinomial StatelessRandomGetAlg
    StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg StatelessRandomNormal
    StatelessRandomNormalV2 StatelessRandomUniform StatelessRandomUniformFullInt
    StatelessRandomUniformFullIntV2 StatelessRandomUniformInt StatelessRandomUniformIntV2
    StatelessRandomUniformV2 StatelessTruncatedNormal StatelessTruncatedNormalV2 TruncatedNormal

    Assert Case ControlTrigger Enter Exit FakeParam For If LoopCond Merge NextIteration NoOp
    PartitionedCall StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile Switch ToBool
    While DynamicPartition DynamicStitch ParallelDynamicStitch

    AssignAddVariableOp AssignSubVariableOp AssignVariableOp DestroyResourceOp DisableCopyOnRead
    ReadVariableOp ResourceGather ResourceGatherNd VarHandleOp VarIsInitializedOp VariableShape
    EmptyTensorList TensorListConcat TensorListConcatLists TensorListConcatV2
    TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem TensorListLength
    TensorListPopBack TensorListPushBack TensorListPushBackBatch TensorListReserve TensorListResize
    TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem
    TensorListSplit TensorListStack TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3
    TensorArrayReadV3 TensorArrayScatterV3 TensorArraySizeV3 TensorArraySplitV3 TensorArrayV3
    TensorArrayWriteV3

    AnonymousHashTable HashTableV2 InitializeTableV2 LookupTableExportV2 LookupTableFindV2
    LookupTableImportV2 LookupTableSizeV2 AsString RegexFullMatch RegexReplace StaticRegexFullMatch
    StaticRegexReplace StringFormat StringJoin StringLength StringLower StringStrip StringUpper
    Substr
"""
OPERATIONS = frozenset(_OPERATIONS.split())
"""The operations that a graph may hold: none of them reads or writes anything but tensors."""

_SAVING = frozenset({"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})
"""What TensorFlow puts into every SavedModel for its own saving, and photofind never runs."""

_FILE = "saved_model.pb"


def check_saved_model(folder: Path) -> None:
    """Refuse a SavedModel with an operation that may do anything but compute.

    Nothing in it is run. Imports TensorFlow, for the format.

    Raises
    ------
    ExtractorError
        With the names of the operations.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((folder / _FILE).read_bytes())
    except DecodeError as error:
        raise ExtractorError(f"{folder.name} is not a SavedModel: {_FILE} is damaged") from error
    refused: set[str] = set()
    for graph in saved.meta_graphs:
        if not graph.object_graph_def.nodes:
            # Loading one of these runs operations of its graph.
            raise ExtractorError(
                f"{folder.name} is a SavedModel of TensorFlow 1",
                "save the model with Keras 3 or TensorFlow 2",
            )
        refused |= _refused(graph)
    if refused:
        raise ExtractorError(
            f"{folder.name} has operations that photofind does not run, because they may read or "
            f"write files, or run code: {', '.join(sorted(refused))}",
            "save the model without them, best with model.save('NAME.keras')",
        )


def load_saved_model(folder: Path, input_size: list[int] | None, output: str | None) -> Any:
    """Return a SavedModel as a ``keras.Model`` with one output; imports TensorFlow.

    Parameters
    ----------
    folder
        Its folder.
    input_size
        Height and width, for one that takes pictures of any size.
    output
        Which of its outputs, if it has several.

    Raises
    ------
    ExtractorError
        If it is refused, or its inputs and outputs are not those of an extractor.
    """
    check_saved_model(folder)
    import keras
    import tensorflow as tf

    try:
        signatures = tf.saved_model.load(str(folder)).signatures
    except Exception as error:
        text = " ".join(str(error).split())
        raise ExtractorError(f"{folder.name} is not a SavedModel: {text[:200]}") from error
    name = next((n for n in ("serving_default", "serve") if n in signatures), None)
    if name is None:
        raise ExtractorError(f"{folder.name} has no serving signature")
    inputs = list(signatures[name].structured_input_signature[1].values())
    outputs = signatures[name].structured_outputs
    if len(inputs) != 1:
        raise ExtractorError(f"{folder.name} has {len(inputs)} inputs instead of one")
    if output is None and len(outputs) != 1:
        raise ExtractorError(
            f"{folder.name} has {len(outputs)} outputs: {_listed(outputs)}",
            "choose one with --layer",
        )
    if output is not None and output not in outputs:
        raise ExtractorError(
            f"{folder.name} is a SavedModel, so its layers have no names, and it has no output "
            f"{output!r}",
            f"its outputs: {_listed(outputs)}",
        )
    shape = inputs[0].shape.as_list()
    if len(shape) != 4:
        raise ExtractorError(f"{folder.name} takes {shape}, not pictures")
    height, width, channels = shape[1:]
    if input_size and None in (height, width):
        height, width = input_size
    pictures = keras.Input((height, width, channels), dtype="float32")
    layer = keras.layers.TFSMLayer(str(folder), call_endpoint=name)
    return keras.Model(pictures, layer(pictures)[output or next(iter(outputs))])


def _listed(outputs: Any) -> str:
    shapes = {name: output.shape.as_list() for name, output in sorted(outputs.items())}
    return ", ".join(
        f"{name} ({', '.join('N' if side is None else str(side) for side in shape)})"
        for name, shape in shapes.items()
    )


def _refused(graph: Any) -> set[str]:
    """Return the operations of a graph, and of its functions, that may not be there."""
    functions = {one.signature.name: one for one in graph.graph_def.library.function}
    saving = _saving_functions(graph, functions)
    found: set[str] = set()
    for node in graph.graph_def.node:
        found.add(node.op)
    for name, function in functions.items():
        operations = {node.op for node in function.node_def}
        found |= operations - _SAVING if name in saving else operations
    # The name of a function as an operation calls it.
    return found - OPERATIONS - functions.keys()


def _saving_functions(graph: Any, functions: dict[str, Any]) -> set[str]:
    """Return the functions that serve TensorFlow's own saving, and that nothing else calls."""
    saver = graph.saver_def
    nodes = {name.partition(":")[0] for name in (saver.save_tensor_name, saver.restore_op_name)}
    own = {
        called
        for node in graph.graph_def.node
        if node.name in nodes
        for called in _called(node, functions)
    }
    callers = [
        *(node for node in graph.graph_def.node if node.name not in nodes),
        *(node for function in functions.values() for node in function.node_def),
    ]
    reachable = {called for node in callers for called in _called(node, functions)}
    offered = set(graph.object_graph_def.concrete_functions)
    return own - reachable - offered


def _called(node: Any, functions: dict[str, Any]) -> Iterator[str]:
    if node.op in functions:
        yield node.op
    for value in node.attr.values():
        for function in (value.func, *value.list.func):
            if function.name:
                yield function.name
