"""A small network of this lesson: makes it, compares its precisions, overfits it.

    python network.py make         sharpen_fp32.onnx, sharpen_fp16.onnx, sharpen_int8.onnx
    python network.py precision    a table of the three, and precision.png
    python network.py overfit      a table over the number of training pictures, and overfit.png

The network sharpens a face that is out of focus. Its first layer, a bank of 7 x 7 filters, is fixed: blurs and second derivatives,
each in both signs (24 channels and ReLU). Its second layer, 1 x 1, is trained: a ridge regression from what the filters saw to what
the soft picture lacks. That takes no GPU and a second of time, and it is trained on the invented people of Faceplate's demo. The
man of the course is not among them: he is the held-out person. Needs the package onnx: pip install onnx.
"""

import logging
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16

from faceplate.color import ColorConfig
from faceplate.demo import PEOPLE, person
from faceplate.face import FaceFinder
from faceplate.face.align import crop_matrix, resample
from faceplate.image import Frame, Window

PICTURES = 12  # for training
SIDE = 512  # the crop of the restorers, on the template of FFHQ
SOFT = 2.2  # standard deviation of the defocus, in pixels of the crop
HELD_OUT = Path("people/gus_younger/front.jpg")
PRECISIONS = ("fp32", "fp16", "int8")
COLOR, FINDER = ColorConfig.load(environ={}), FaceFinder.embedded()


# Pictures -----------------------------------------------------------------------------------------------------------


def crop_of(path):
    """Return the aligned face of a picture, float32 (SIDE, SIDE, 3), sRGB 0..1."""
    pixels = cv2.imread(str(path))[..., ::-1].astype(np.float32) / 255
    window = Window(0, 0, pixels.shape[1], pixels.shape[0])
    face = FINDER.find(Frame(pixels, window, COLOR.resolve("sRGB - Texture"), COLOR))[0]
    return resample(pixels, window, crop_matrix(face.five, "ffhq_512", SIDE), Window(0, 0, SIDE, SIDE))


def softened(crop, seed=0):
    """Return a crop out of focus, with a little noise."""
    noise = np.random.default_rng(seed).normal(0, 0.004, crop.shape)
    return (cv2.GaussianBlur(crop, (0, 0), SOFT) + noise).astype(np.float32)


def embedding(crop):
    """Return what the recogniser sees in a crop: a unit vector of 128 numbers."""
    frame = Frame(np.ascontiguousarray(crop), Window(0, 0, SIDE, SIDE), COLOR.resolve("sRGB - Texture"), COLOR)
    vector = FINDER.embed(frame, FINDER.find(frame)[0])
    return vector / np.linalg.norm(vector)


def training_crops():
    """Return the first PICTURES faces of these: the front view of each of the demo's people, and then their smiles."""
    paths = [person(name) / f"{view}.jpg" for view in ("front", "smile") for name in PEOPLE]
    return [crop_of(path) for path in paths[:PICTURES]]


# The network --------------------------------------------------------------------------------------------------------


def filters():
    """Return the fixed layer, float32 (24, 3, 7, 7): twelve filters in both signs."""
    y, x = np.mgrid[-3:4, -3:4].astype(np.float32)
    bank = []
    for sigma in (0.8, 1.3, 2.0):
        bell = np.exp(-(x * x + y * y) / (2 * sigma * sigma))
        for shape in (x * x / sigma**2 - 1, y * y / sigma**2 - 1, x * y / sigma**2):
            wave = shape * bell
            wave -= bell * wave.sum() / bell.sum()  # answers nothing to a flat picture
            bank.append(np.stack([wave * weight for weight in (0.21, 0.72, 0.07)]) / np.abs(wave).sum())
    for channel in range(3):
        bell = np.exp(-(x * x + y * y) / (2 * 1.3**2))
        wave = -bell / bell.sum()
        wave[3, 3] += 1
        bank.append(np.stack([wave * (channel == k) for k in range(3)]))
    bank = np.array(bank, np.float32)
    return np.concatenate([bank, -bank])


def seen(crop, bank):
    """Return what the fixed layer sees in a crop in -1..1: (SIDE, SIDE, 24)."""
    half = bank[: len(bank) // 2]  # the other half is the same with the opposite sign
    channels = np.dstack([sum(cv2.filter2D(crop[..., k], -1, kernel[k]) for k in range(3)) for kernel in half])
    return np.maximum(np.dstack([channels, -channels]), 0)


def sampled(crop, number, pixels, bank):
    """Return what the fixed layer sees at some pixels of the softened crop, and what is missing there."""
    soft = softened(crop, number) * 2 - 1
    places = tuple(np.random.default_rng(number).integers(8, SIDE - 8, (pixels, 2)).T)
    return seen(soft, bank)[places], (crop * 2 - 1 - soft)[places]


def solved(samples, ridge=1e-9):
    """Solve for the second layer, float32 (24, 3)."""
    x, y = (np.concatenate(part) for part in zip(*samples, strict=True))
    return np.linalg.solve(x.T @ x / len(x) + ridge * np.eye(x.shape[1]), x.T @ y / len(x)).astype(np.float32)


def applied(weights, soft, bank):
    """Run the network in numpy on a soft crop in 0..1."""
    return soft + seen(soft * 2 - 1, bank) @ weights / 2


def write_onnx(path, weights, bank):
    """Write the network as ONNX: a picture (1, 3, SIDE, SIDE) in -1..1, and the same sharper."""
    nodes = [
        helper.make_node("Conv", ["input", "bank"], ["seen"], pads=[3, 3, 3, 3]),
        helper.make_node("Relu", ["seen"], ["positive"]),
        helper.make_node("Conv", ["positive", "trained"], ["missing"]),
        helper.make_node("Add", ["input", "missing"], ["output"]),
    ]
    shape = [1, 3, SIDE, SIDE]
    graph = helper.make_graph(
        nodes,
        "sharpen",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(bank, "bank"), numpy_helper.from_array(weights.T[:, :, None, None].copy(), "trained")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)


class Examples(CalibrationDataReader):
    """Soft crops from which the quantiser learns the range of every value."""

    def __init__(self, crops):
        self.left = [{"input": as_input(softened(crop, number))} for number, crop in enumerate(crops)]

    def get_next(self):
        """Return the next example, None at the end."""
        return self.left.pop() if self.left else None


def as_input(crop):
    """Return a crop in 0..1 as the network's input."""
    return np.ascontiguousarray((crop * 2 - 1).transpose(2, 0, 1)[None], np.float32)


def run(name, crop):
    """Run a network on a crop in 0..1: the picture, and the best of five times in milliseconds."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(f"sharpen_{name}.onnx", options, providers=["CPUExecutionProvider"])
    times = []
    for _ in range(5):
        start = time.perf_counter()
        made = session.run(None, {"input": as_input(crop)})[0][0]
        times.append((time.perf_counter() - start) * 1000)
    return made.transpose(1, 2, 0) / 2 + 0.5, min(times)


# The commands -------------------------------------------------------------------------------------------------------


def make():
    """Train the network, and write it in three precisions with ONNX Runtime's own tools."""
    logging.getLogger().setLevel(logging.ERROR)
    bank, crops = filters(), training_crops()
    samples = [sampled(crop, number, 4000, bank) for number, crop in enumerate(crops)]
    write_onnx("sharpen_fp32.onnx", solved(samples), bank)
    half = convert_float_to_float16(onnx.load("sharpen_fp32.onnx"), keep_io_types=True)
    onnx.save(half, "sharpen_fp16.onnx")
    quantize_static(
        "sharpen_fp32.onnx", "sharpen_int8.onnx", Examples(crops[:4]), quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, per_channel=True,
    )  # fmt: skip
    for name in PRECISIONS:
        print(f"sharpen_{name}.onnx  {Path(f'sharpen_{name}.onnx').stat().st_size / 1000:.1f} kB")


def precision():
    """Print size, time, error, contrast and likeness of the three, and draw them."""
    sharp = crop_of(HELD_OUT)
    soft, who = softened(sharp, 99), embedding(sharp)
    print("network  size kB  time   off from fp32  contrast  likeness")
    print(f"{'(soft)':7}  {'-':>7}  {'-':>5}  {'-':>13}  {'-':>8}  {embedding(soft) @ who:8.3f}")
    tiles, first, first_time = [("soft", soft)], None, 1.0
    for name in PRECISIONS:
        made, milliseconds = run(name, soft)
        first, first_time = (made, milliseconds) if first is None else (first, first_time)
        off = np.abs(made - first).mean() * 255
        contrast = np.polyfit(first.ravel(), made.ravel(), 1)[0]
        size = Path(f"sharpen_{name}.onnx").stat().st_size / 1000
        likeness = embedding(np.clip(made, 0, 1)) @ who
        print(
            f"{name:7}  {size:7.1f}  {milliseconds / first_time:4.2f}x  {off:9.3f}/255  {contrast:8.2f}  {likeness:8.3f}"
        )
        tiles.append((name, made))
    sheet("precision.png", [*tiles, ("original", sharp)])


def overfit():
    """Train on more and more pictures, 20 pixels of each, and compare the error on them with that on a held-out face."""
    bank, crops, sharp = filters(), training_crops(), crop_of(HELD_OUT)
    soft = softened(sharp, 99)
    before = np.sqrt(np.mean((soft - sharp) ** 2)) * 255
    print("pictures  error on its pixels  error on a new face")
    tiles = [("soft", soft)]
    samples = [sampled(crop, number, 20, bank) for number, crop in enumerate(crops)]
    for count in sorted({1, 2, 4, PICTURES}):
        weights = solved(samples[:count])
        errors = [(x @ weights - y) / 2 for x, y in samples[:count]]
        made = applied(weights, soft, bank)
        new = np.sqrt(np.mean((made - sharp) ** 2)) * 255
        print(f"{count:8}  {np.sqrt(np.mean(np.square(errors))) * 255:15.2f}/255  {new:15.2f}/255")
        tiles.append((f"{count} picture{'s' * (count > 1)}", made))
    print(f"no network: {before:.2f}/255 on the new face")
    sheet("overfit.png", [*tiles, ("original", sharp)])


def sheet(path, tiles):
    """Write labelled tiles side by side: the face, and below it an eye four times as large."""
    columns = []
    for text, crop in tiles:
        shown = (np.clip(crop, 0, 1) * 255 + 0.5).astype(np.uint8)[..., ::-1]
        face = cv2.resize(shown, (384, 384), interpolation=cv2.INTER_AREA)
        eye = cv2.resize(shown[190:286, 140:236], (384, 384), interpolation=cv2.INTER_NEAREST)
        column = np.vstack([face, eye])
        cv2.putText(column, text, (8, 374), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2, cv2.LINE_AA)
        columns.append(column)
    cv2.imwrite(path, np.hstack(columns))
    print(path)


if __name__ == "__main__":
    commands = {"make": make, "precision": precision, "overfit": overfit}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]]()
