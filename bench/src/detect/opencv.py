"""1080p frame -> normalised NCHW tensor of 416, with OpenCV on one thread; one line in, nanoseconds out."""

import sys
import time

import cv2
import numpy as np

SIDE, WIDTH, HEIGHT = 416, 1920, 1080
MEAN = np.array([103.53, 116.28, 123.675], np.float32)
STD = np.array([57.375, 57.12, 58.395], np.float32)

cv2.setNumThreads(1)
rng = np.random.default_rng(1)
nv12 = sys.argv[1] == "nv12"
frame = rng.integers(0, 255, (HEIGHT * 3 // 2, WIDTH) if nv12 else (HEIGHT, WIDTH, 3), np.uint8)
canvas = np.zeros((SIDE, SIDE, 3), np.uint8)
ratio = min(SIDE / WIDTH, SIDE / HEIGHT)
size = (round(WIDTH * ratio), round(HEIGHT * ratio))
tensor = np.zeros((1, 3, SIDE, SIDE), np.float32)


def run():
    # Red, green, blue are put into the network's order for free below, so only NV12 is converted.
    source = cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_NV12) if nv12 else frame
    cv2.resize(source, size, dst=canvas[: size[1], : size[0]], interpolation=cv2.INTER_LINEAR)
    # Per plane into the tensor's own memory: faster than blobFromImage, which knows no deviation per channel.
    for plane in range(3):
        out = tensor[0, plane]
        cv2.subtract(canvas[:, :, 2 - plane], float(MEAN[plane]), dst=out, dtype=cv2.CV_32F)
        cv2.multiply(out, float(1 / STD[plane]), dst=out)


run()
print("OpenCV", cv2.__version__, flush=True)
for _ in sys.stdin:
    start = time.perf_counter_ns()
    run()
    print(time.perf_counter_ns() - start, flush=True)
