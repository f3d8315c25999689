"""ONNX graphs as torch functions, so that gradients pass through the models that are shipped.

A weights entry holds its network as two ONNX graphs in 8-bit integers, and ONNX Runtime has no gradients. Here the
graphs are read and their operators called in torch, one after the other. Weights are brought back to floating
point. What was quantised is clamped to the range that its 8 bits can hold, in which an activation's own bounds are
hidden, but not rounded, since steps have no slope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cadrage.errors import MissingExtraError, WeightsError

Values = dict[str, Tensor]
Operator = Callable[[list[Tensor | None], Mapping[str, Any]], Tensor | tuple[Tensor, ...]]


class Graph(nn.Module):
    """An ONNX graph of the operators that exports of crop networks use."""

    def __init__(self, path: Path, also: str | None = None) -> None:
        """Read a file.

        Args:
            path: of the file.
            also: a further output that is wanted beside the first, where the graph has it.

        Raises:
            MissingExtraError: ``onnx`` is not installed.
            WeightsError: it is no ONNX file, or uses an operator that is not known.
        """
        super().__init__()
        try:
            import onnx  # noqa: PLC0415
            from onnx import numpy_helper  # noqa: PLC0415
        except ImportError:
            raise MissingExtraError("Aesthetics through a weights entry", "caption") from None
        try:
            graph = onnx.load(path).graph
        except Exception as error:  # protobuf raises many kinds for a damaged file
            raise WeightsError(f"{path} cannot be read as an ONNX graph.") from error
        self.inputs = [node.name for node in graph.input]
        self.outputs = [node.name for at, node in enumerate(graph.output) if at == 0 or node.name == also]
        self._constants: Values = {
            held.name: torch.from_numpy(numpy_helper.to_array(held).copy()) for held in graph.initializer
        }
        self._steps: list[tuple[Operator, list[str], list[str], dict[str, Any]]] = []
        needed = _needed(graph, self.outputs)
        for node in graph.node:
            if node.op_type not in OPERATORS:
                raise WeightsError(f"{path} holds the operator {node.op_type}, which has no gradient here.")
            options = {held.name: onnx.helper.get_attribute_value(held) for held in node.attribute}
            step = OPERATORS[node.op_type], list(node.input), list(node.output), options
            if all(name in self._constants or not name for name in node.input):
                self._constants.update(_run(step, self._constants))
            elif not needed.isdisjoint(node.output):
                self._steps.append(step)
        self._last = last_uses([[*names, *made] for _, names, made, _ in self._steps], keep=self.outputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        """The first output, for inputs in the graph's order."""
        return self.each(*inputs)[0]

    def each(self, *inputs: Tensor) -> list[Tensor]:
        """All outputs that are wanted, for inputs in the graph's order."""
        values: Values = {**self._constants, **dict(zip(self.inputs, inputs, strict=True))}
        for step, done in zip(self._steps, self._last, strict=True):
            values.update(_run(step, values))
            for name in done:
                del values[name]
        return [values[name] for name in self.outputs]


def _needed(graph: Any, outputs: Sequence[str]) -> set[str]:  # noqa: ANN401
    """Names of the values that outputs are made of."""
    needed = set(outputs)
    for node in reversed(graph.node):
        if not needed.isdisjoint(node.output):
            needed.update(node.input)
    return needed


def last_uses(steps: Sequence[Sequence[str]], keep: Sequence[str]) -> list[set[str]]:
    """For the names that each step uses and makes: those that no later step uses, but for some to keep."""
    later, found = {*keep, ""}, []
    for names in reversed(steps):
        found.append(set(names) - later)
        later.update(names)
    return found[::-1]


def _run(step: tuple[Operator, list[str], list[str], dict[str, Any]], values: Values) -> Values:
    operator, inputs, outputs, options = step
    made = operator([values[name] if name else None for name in inputs], options)
    return dict(zip(outputs, made if isinstance(made, tuple) else (made,), strict=True))


def _numbers(tensor: Any) -> list[int]:  # noqa: ANN401
    return [int(value) for value in tensor.flatten()]


def _conv(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    pixels, weight, *bias = given
    top, left, bottom, right = options.get("pads", (0, 0, 0, 0))
    padding = top, left
    if (top, left) != (bottom, right):
        pixels, padding = functional.pad(pixels, (left, right, top, bottom)), (0, 0)
    return functional.conv2d(
        pixels,
        weight.to(pixels),
        bias[0].to(pixels) if bias else None,
        stride=tuple(options.get("strides", (1, 1))),
        padding=padding,
        dilation=tuple(options.get("dilations", (1, 1))),
        groups=options.get("group", 1),
    )


def _gemm(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    first, second, *bias = given
    first = first.mT if options.get("transA") else first
    product = first @ (second.mT if options.get("transB") else second).to(first)
    found: Tensor = options.get("alpha", 1.0) * product
    return found + options.get("beta", 1.0) * bias[0] if bias else found


def _quantised(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    """Clamp to the range that 8 bits can hold, and stay in floating point."""
    values, scale, zero = given
    bounds = torch.iinfo(zero.dtype)
    low, high = ((bound - zero.to(scale)) * scale for bound in (bounds.min, bounds.max))
    return torch.clamp(
        values, _along(low, values, options).to(values), _along(high, values, options).to(values)
    )


def _dequantised(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    values, scale, *zero = given
    if values.is_floating_point():  # what ``_quantised`` left
        return torch.as_tensor(values)
    shifted = values.to(scale) - (_along(zero[0].to(scale), values, options) if zero else 0)
    found: Tensor = shifted * _along(scale, values, options)
    return found


def _along(numbers: Tensor, values: Tensor, options: Mapping[str, Any]) -> Tensor:
    """One number for all values, or one for each place on an axis."""
    if numbers.numel() == 1:
        return numbers.reshape(())
    shape = [1] * values.ndim
    shape[options.get("axis", 1)] = -1
    return numbers.reshape(shape)


def _resize(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    pixels, scales, sizes = given[0], given[2], given[3] if len(given) > 3 else None
    how = options.get("mode", b"nearest"), options.get("coordinate_transformation_mode", b"half_pixel")
    if how[0] != b"linear" or how[1] not in (b"half_pixel", b"pytorch_half_pixel", b"align_corners"):
        raise WeightsError("The graph resizes in a way that is not known here.")
    if sizes is None or not sizes.numel():
        sizes = torch.tensor(pixels.shape) * scales
    return functional.interpolate(
        pixels, size=_numbers(sizes)[2:], mode="bilinear", align_corners=how[1] == b"align_corners"
    )


def _cast(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    import onnx  # noqa: PLC0415

    kind: torch.dtype = getattr(torch, onnx.helper.tensor_dtype_to_np_dtype(options["to"]).name)
    (values,) = given
    # Of two kinds of floating point the input's is kept: what is asked for in double precision stays in it.
    found: Tensor = values if kind.is_floating_point and values.is_floating_point() else values.to(kind)
    return found


def _slice(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    del options
    values, starts, ends, *rest = given
    axes = _numbers(rest[0]) if rest else range(len(starts))
    steps = _numbers(rest[1]) if len(rest) > 1 else [1] * len(starts)
    picked = [slice(None)] * values.ndim
    for axis, start, end, step in zip(axes, _numbers(starts), _numbers(ends), steps, strict=True):
        picked[axis] = slice(start, end, step)
    found: Tensor = values[tuple(picked)]
    return found


def _gather(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    values, places = given
    axis = options.get("axis", 0) % values.ndim
    found = values.index_select(axis, places.reshape(-1).long() % values.shape[axis])
    shape = [*values.shape[:axis], *places.shape, *values.shape[axis + 1 :]]
    picked: Tensor = found.reshape(shape)
    return picked


def _reshape(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    del options
    values, shape = given
    sides = [
        old if new == 0 else new for new, old in zip(_numbers(shape), _pad(values.shape, shape), strict=True)
    ]
    found: Tensor = values.reshape(sides)
    return found


def _pad(shape: Any, like: Tensor) -> list[int]:  # noqa: ANN401
    return [*shape, *[1] * len(like)][: len(like)]


def _squeeze(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    del options
    values, axes = given[0], given[1] if len(given) > 1 else None
    found: Tensor = values.squeeze() if axes is None else values.squeeze(tuple(_numbers(axes)))
    return found


def _unsqueeze(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    del options
    values, axes = given
    total = values.ndim + len(axes.reshape(-1))
    for axis in sorted(number % total for number in _numbers(axes)):
        values = values.unsqueeze(axis)
    return torch.as_tensor(values)


def _reduced(how: Callable[..., Tensor]) -> Operator:
    def reduce(given: list[Any], options: Mapping[str, Any]) -> Tensor:
        values, axes = given[0], given[1] if len(given) > 1 else None
        dims = tuple(range(values.ndim)) if axes is None else tuple(_numbers(axes))
        return how(values, dim=dims, keepdim=bool(options.get("keepdims", 1)))

    return reduce


def _shape(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    sides = list(given[0].shape)
    return torch.tensor(sides[options.get("start", 0) : options.get("end", len(sides))])


def _split(given: list[Any], options: Mapping[str, Any]) -> tuple[Tensor, ...]:
    values, parts = given
    return torch.split(values, _numbers(parts), dim=options.get("axis", 0))


def _clip(given: list[Any], options: Mapping[str, Any]) -> Tensor:
    del options
    values, low, high = [*given, None, None][:3]
    return torch.clamp(
        values, None if low is None else low.to(values), None if high is None else high.to(values)
    )


def _plain(function: Callable[..., Tensor]) -> Operator:
    """An operator without options."""
    return lambda given, _: function(*given)


def _product(first: Tensor, second: Tensor) -> Tensor:
    kind = torch.promote_types(first.dtype, second.dtype)
    return first.to(kind) @ second.to(kind)


def _quotient(first: Tensor, second: Tensor) -> Tensor:
    whole = not (first.is_floating_point() or second.is_floating_point())
    return torch.div(first, second, rounding_mode="trunc" if whole else None)


OPERATORS: Mapping[str, Operator] = {
    "Abs": _plain(torch.abs),
    "Add": _plain(torch.add),
    "Cast": _cast,
    "Clip": _clip,
    "Concat": lambda given, options: torch.cat([part for part in given if part is not None], options["axis"]),
    "Conv": _conv,
    "DequantizeLinear": _dequantised,
    "Div": _plain(_quotient),
    "Expand": _plain(lambda values, shape: values * torch.ones(_numbers(shape), dtype=values.dtype)),
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _plain(lambda values: values.mean(dim=(2, 3), keepdim=True)),
    "Log": _plain(torch.log),
    "MatMul": _plain(_product),
    "Max": _plain(torch.maximum),
    "Min": _plain(torch.minimum),
    "Mul": _plain(torch.mul),
    "QuantizeLinear": _quantised,
    "Range": _plain(
        lambda start, end, step: torch.arange(start.item(), end.item(), step.item(), dtype=start.dtype)
    ),
    "ReduceMean": _reduced(torch.mean),
    "ReduceSum": _reduced(torch.sum),
    "Relu": _plain(torch.relu),
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": _shape,
    "Sigmoid": _plain(torch.sigmoid),
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Sub": _plain(torch.sub),
    "Transpose": lambda given, options: given[0].permute(tuple(options["perm"])),  # type: ignore[union-attr]
    "Unsqueeze": _unsqueeze,
}
"""What is done for each operator."""
