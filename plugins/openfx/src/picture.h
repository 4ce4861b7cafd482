// SPDX-License-Identifier: Apache-2.0
//
// An image of the host, and copies between it and the engine's block. The host's y counts up from the bottom, the engine's rows
// count down from the top of the whole picture.
#ifndef FACEPLATE_PICTURE_H
#define FACEPLATE_PICTURE_H

#include <cstddef>

#include "openfx.h"

namespace faceplate {

// RGBA pixels in the host's memory; `whole` is the whole picture, of which `bounds` are in memory.
struct Picture {
  unsigned char* data = nullptr;
  ofx::RectI bounds{};
  ofx::RectI whole{};
  int rowBytes = 0;
  int pixelBytes = 0;  // 8 for half, 16 for float

  int width() const { return whole.x2 - whole.x1; }
  int height() const { return whole.y2 - whole.y1; }
  // Returns the pixel in a column and a row that count from the top left corner of the whole picture.
  unsigned char* at(int column, int row) const {
    const int x = whole.x1 + column, y = whole.y2 - 1 - row;
    return data + static_cast<ptrdiff_t>(y - bounds.y1) * rowBytes + static_cast<ptrdiff_t>(x - bounds.x1) * pixelBytes;
  }
  bool holds(const ofx::RectI& part) const {
    return bounds.x1 <= part.x1 && bounds.y1 <= part.y1 && bounds.x2 >= part.x2 && bounds.y2 >= part.y2;
  }
};

// A part of the whole picture: first column and row from the top left, and its size.
struct Part {
  int x = 0, y = 0, width = 0, height = 0;

  bool empty() const { return width <= 0 || height <= 0; }
  size_t bytes(const Picture& picture) const { return size_t(width) * size_t(height) * size_t(picture.pixelBytes); }
};

// Runs `work(row)` for the rows 0..rows-1 on the host's threads.
void for_rows(const ofx::MultiThreadSuiteV1* threads, int rows, void (*work)(int row, void* argument), void* argument);

// Copies `part` of the picture into the block, whose first row is the part's top one.
void to_block(const ofx::MultiThreadSuiteV1* threads, const Picture& picture, const Part& part, unsigned char* block);

// Copies `changed` from the block, which holds `part`, into the picture, as far as it lies in `window`.
void from_block(const ofx::MultiThreadSuiteV1* threads, const Picture& picture, const Part& part, const Part& changed,
                const ofx::RectI& window, const unsigned char* block);

// Copies the window of pixels `from` one picture `to` another.
void copy_window(const ofx::MultiThreadSuiteV1* threads, const Picture& from, const Picture& to, const ofx::RectI& window);

}  // namespace faceplate

#endif
