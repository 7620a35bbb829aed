"""Writes packages/graph/test/golden/*.onnx with the onnx library, and what its reference evaluator computes, for parse.test.ts."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from versions import record

out = Path(__file__).resolve().parents[2] / "packages/graph/test/golden"
out.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(0)
expected = {}


def save(name, model, feeds, **options):
    onnx.checker.check_model(model, full_check=True)
    if feeds is not None:
        results = ReferenceEvaluator(model).run(None, feeds)
        expected[name] = {
            "feeds": {k: {"dims": v.shape, "data": v.ravel().tolist()} for k, v in feeds.items()},
            "outputs": {o.name: {"dims": r.shape, "data": np.asarray(r, np.float64).ravel().tolist()} for o, r in zip(model.graph.output, results)},
        }
    onnx.save(model, out / f"{name}.onnx", **options)


def value(name, dims, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, dims)


def model(nodes, inputs, outputs, initializers=(), opset=18, **graph):
    g = helper.make_graph(nodes, "golden", inputs, outputs, list(initializers), **graph)
    return helper.make_model(g, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


# A small network as exporters write it: open dims, an old operator set, optional inputs left out, attributes of each kind, metadata.
w1 = rng.standard_normal((4, 1, 3, 3)).astype(np.float32)
w2 = rng.standard_normal((4, 2, 2, 2)).astype(np.float32)
net = model(
    [
        helper.make_node("Conv", ["image", "enc.weight", "enc.bias"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "bn.scale", "bn.bias", "bn.mean", "bn.var"], ["b"], "bn", epsilon=1e-3),
        helper.make_node("LeakyRelu", ["b"], ["r"], "relu", alpha=0.1),
        helper.make_node("MaxPool", ["r"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("ConvTranspose", ["p", "up.weight"], ["u"], "up", strides=[2, 2]),
        helper.make_node("Clip", ["u", "", "six"], ["k"], "clip"),
        helper.make_node("Concat", ["k", "image"], ["logits"], "cat", axis=1),
    ],
    [value("image", ["N", 1, "H", "W"])],
    [value("logits", ["N", 3, "H", "W"])],
    [
        numpy_helper.from_array(w1, "enc.weight"),
        numpy_helper.from_array(np.array([0.1, 0.2, 0.3, 0.4], np.float32), "enc.bias"),
        numpy_helper.from_array(np.ones(4, np.float32), "bn.scale"),
        numpy_helper.from_array(np.zeros(4, np.float32), "bn.bias"),
        numpy_helper.from_array(np.full(4, 0.5, np.float32), "bn.mean"),
        numpy_helper.from_array(np.full(4, 2, np.float32), "bn.var"),
        numpy_helper.from_array(w2, "up.weight"),
        numpy_helper.from_array(np.array(0.5, np.float32), "six"),
    ],
    opset=17,
    doc_string="a network",
)
net.graph.node[0].doc_string = "kept as an unknown field"
helper.set_model_props(net, {"author": "golden", "classes": "3"})
save("network", net, {"image": rng.standard_normal((2, 1, 4, 6)).astype(np.float32)})

# Every form in which a tensor can be stored.
forms = [
    ("raw", TensorProto.FLOAT, np.array([1.5, -2], np.float32), True),
    ("float_data", TensorProto.FLOAT, [1.5, -2], False),
    ("double_data", TensorProto.DOUBLE, [1.5, -2], False),
    ("int64_data", TensorProto.INT64, [-(2**62), 7], False),
    ("uint64_data", TensorProto.UINT64, [2**63, 7], False),
    ("uint32_data", TensorProto.UINT32, [2**32 - 1, 7], False),
    ("int32_data", TensorProto.INT32, [-5, 7], False),
    ("int16_data", TensorProto.INT16, [-5, 7], False),
    ("uint16_data", TensorProto.UINT16, [65535, 7], False),
    ("int8_data", TensorProto.INT8, [-5, 7], False),
    ("uint8_data", TensorProto.UINT8, [255, 7], False),
    ("bool_data", TensorProto.BOOL, [True, False], False),
    ("half_data", TensorProto.FLOAT16, [1.5, -6e-8], False),
    ("half_raw", TensorProto.FLOAT16, np.array([65504, np.inf], np.float16), True),
    ("bfloat_data", TensorProto.BFLOAT16, [1.5, -2], False),
]
tensors = [
    helper.make_tensor(n, t, [2], v.tobytes() if raw else v, raw=raw) for n, t, v, raw in forms
]
nodes = [helper.make_node("Identity", [n], [f"out_{n}"]) for n, _, _, _ in forms]
nodes += [
    helper.make_node("Constant", [], ["cf"], value_float=0.25),
    helper.make_node("Constant", [], ["cfs"], value_floats=[0.25, 0.5]),
    helper.make_node("Constant", [], ["ci"], value_int=-3),
    helper.make_node("Constant", [], ["cis"], value_ints=[3, 2**40]),
    helper.make_node("Constant", [], ["ct"], value=helper.make_tensor("x", TensorProto.INT32, [1, 1], [9])),
]
nodes += [helper.make_node("Identity", [n], [f"out_{n}"]) for n in ["cf", "cfs", "ci", "cis", "ct"]]
kinds = {n: t for n, t, _, _ in forms}
outputs = [value(f"out_{n}", [2], t) for n, t in kinds.items()]
outputs += [value("out_cf", []), value("out_cfs", [2]), value("out_ci", [], TensorProto.INT64), value("out_cis", [2], TensorProto.INT64), value("out_ct", [1, 1], TensorProto.INT32)]
save("forms", model(nodes, [], outputs, tensors), None)

# Weights in a second file.
big = model(
    [helper.make_node("Add", ["x", "w"], ["s"]), helper.make_node("Mul", ["s", "v"], ["y"])],
    [value("x", [2, 300])],
    [value("y", [2, 300])],
    [
        numpy_helper.from_array(np.arange(300, dtype=np.float32), "w"),
        numpy_helper.from_array(np.arange(600, dtype=np.float32).reshape(2, 300) / 8, "v"),
    ],
)
save("external", big, None, save_as_external_data=True, location="external.data", size_threshold=0)

# A model of 16-bit floats throughout.
half = model(
    [
        helper.make_node("Mul", ["x", "w"], ["m"]),
        helper.make_node("Cast", ["m"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["f"], ["h"], to=TensorProto.FLOAT16),
        helper.make_node("Add", ["h", "w"], ["y"]),
    ],
    [value("x", [2], TensorProto.FLOAT16)],
    [value("y", [2], TensorProto.FLOAT16)],
    [numpy_helper.from_array(np.array([0.5, 2], np.float16), "w")],
)
save("half", half, None)

with open(out / "models.json", "w") as f:
    json.dump(expected, f)
for path in sorted(out.iterdir()):
    if path.name != "versions.json":
        record(path, "numpy", "onnx")
