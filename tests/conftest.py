"""A model small enough to calculate by hand, for tests of everything that runs one."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import settings

from cadrage.weights import GraphFile, InputRule, WeightsEntry, write_entry

# How long one example takes says nothing on a machine that others share.
settings.register_profile("cadrage", deadline=None)
settings.load_profile("cadrage")

STRIDE = 16


@pytest.fixture(scope="session")
def tiny_entry(tmp_path_factory) -> WeightsEntry:
    """A model that likes brightness: the score is 1 for a black crop and 5 for a white one.

    A feature is the brightness of a 16 x 16 cell of the raster, in [0, 1]; the score of a box is 1 plus four
    times the mean of the cells whose centres it holds, or 1 if it holds none.
    """
    onnx = pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("tiny")
    for name, graph in (("encode.onnx", _encode_graph()), ("score.onnx", _score_graph())):
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
        onnx.checker.check_model(model)
        onnx.save(model, folder / name)
    entry = WeightsEntry(
        folder=folder,
        name="tiny",
        version="7.1",
        license="CC0-1.0",
        encode=GraphFile.of(folder / "encode.onnx"),
        score=GraphFile.of(folder / "score.onnx"),
        input=InputRule(short_side=64, multiple=32, max_long_side=256),
        training={"data set": "none"},
        metrics=({"data set": "none", "split": "none", "rule": "none", "values": {"srcc": 0.0}},),
        parameters=0,
        precision="float32",
        created="2026-01-31",
    )
    write_entry(entry)
    return entry


@pytest.fixture(scope="session")
def tiny_subject_entry(tiny_entry, tmp_path_factory) -> WeightsEntry:
    """The same model with a saliency map: the brightness of cells of 8 x 8 pixels."""
    onnx = pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("tiny-subject")
    shutil.copy(tiny_entry.folder / "score.onnx", folder)
    model = onnx.load(tiny_entry.folder / "encode.onnx")
    pool = {"kernel_shape": [STRIDE // 2, STRIDE // 2], "strides": [STRIDE // 2, STRIDE // 2]}
    model.graph.node.append(onnx.helper.make_node("AveragePool", ["brightness"], ["cells"], **pool))
    model.graph.node.append(onnx.helper.make_node("Squeeze", ["cells", "channel_axis"], ["saliency"]))
    shape = onnx.helper.make_tensor_value_info("saliency", onnx.TensorProto.FLOAT, [1, "2h", "2w"])
    model.graph.output.append(shape)
    onnx.checker.check_model(model)
    onnx.save(model, folder / "encode.onnx")
    entry = replace(
        tiny_entry, folder=folder, name="tiny-subject", encode=GraphFile.of(folder / "encode.onnx")
    )
    write_entry(entry)
    return entry


def _encode_graph():
    from onnx import TensorProto, helper, numpy_helper

    return helper.make_graph(
        [
            helper.make_node("Cast", ["raster"], ["pixels"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node("ReduceMean", ["planes", "channel_axis"], ["grey"], keepdims=1),
            helper.make_node("Div", ["grey", "white"], ["brightness"]),
            helper.make_node(
                "AveragePool",
                ["brightness"],
                ["features"],
                kernel_shape=[STRIDE, STRIDE],
                strides=[STRIDE, STRIDE],
            ),
        ],
        "encode",
        [helper.make_tensor_value_info("raster", TensorProto.UINT8, [1, "H", "W", 3])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 1, "h", "w"])],
        [
            numpy_helper.from_array(np.array([1], np.int64), "channel_axis"),
            numpy_helper.from_array(np.array(255, np.float32), "white"),
        ],
    )


def _score_graph():
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Squeeze", ["features", "batch_and_channel"], ["cells"]),
        helper.make_node("Shape", ["cells"], ["cells_hw"]),
        helper.make_node("Split", ["cells_hw"], ["rows", "columns"], num_outputs=2),
        helper.make_node("Split", ["boxes"], ["x1", "y1", "x2", "y2"], num_outputs=4, axis=1),
        *_inside_nodes("x", "columns"),
        *_inside_nodes("y", "rows"),
        helper.make_node("MatMul", ["inside_y", "cells"], ["row_sums"]),
        helper.make_node("Mul", ["row_sums", "inside_x"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "last"], ["total"], keepdims=0),
        helper.make_node("ReduceSum", ["inside_x", "last"], ["count_x"], keepdims=0),
        helper.make_node("ReduceSum", ["inside_y", "last"], ["count_y"], keepdims=0),
        helper.make_node("Mul", ["count_x", "count_y"], ["count"]),
        helper.make_node("Max", ["count", "one"], ["divisor"]),
        helper.make_node("Div", ["total", "divisor"], ["mean"]),
        helper.make_node("Mul", ["mean", "four"], ["above_one"]),
        helper.make_node("Add", ["above_one", "one"], ["scores"]),
    ]
    constants = {
        "batch_and_channel": np.array([0, 1], np.int64),
        "last": np.array([1], np.int64),
        "zero_index": np.array(0, np.int64),
        "one_index": np.array(1, np.int64),
        "scalar": np.zeros(0, np.int64),
        "one": np.array(1, np.float32),
        "four": np.array(4, np.float32),
        "half_cell": np.array(STRIDE / 2, np.float32),
        "stride": np.array(STRIDE, np.float32),
    }
    return helper.make_graph(
        nodes,
        "score",
        [
            helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 1, "h", "w"]),
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["K", 4]),
        ],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["K"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )


def _inside_nodes(axis: str, length: str):
    """Nodes that make ``inside_<axis>``, (K, cells): 1 where a cell's centre lies in the box's span."""
    from onnx import TensorProto, helper

    def name(part: str) -> str:
        return f"{part}_{axis}"

    return [
        helper.make_node("Reshape", [length, "scalar"], [name("length")]),
        helper.make_node("Range", ["zero_index", name("length"), "one_index"], [name("index")]),
        helper.make_node("Cast", [name("index")], [name("cell")], to=TensorProto.FLOAT),
        helper.make_node("Mul", [name("cell"), "stride"], [name("edge")]),
        helper.make_node("Add", [name("edge"), "half_cell"], [name("centre")]),
        helper.make_node("GreaterOrEqual", [name("centre"), f"{axis}1"], [name("after")]),
        helper.make_node("Less", [name("centre"), f"{axis}2"], [name("before")]),
        helper.make_node("And", [name("after"), name("before")], [name("between")]),
        helper.make_node("Cast", [name("between")], [name("inside")], to=TensorProto.FLOAT),
    ]
