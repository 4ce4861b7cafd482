// SPDX-License-Identifier: Apache-2.0
#include "picture.h"

#include <algorithm>
#include <cstring>

namespace faceplate {
namespace {

struct Rows {
  int count;
  void (*work)(int, void*);
  void* argument;
};

void run_share(unsigned int index, unsigned int count, void* argument) {
  const Rows& rows = *static_cast<const Rows*>(argument);
  const int first = int(size_t(rows.count) * index / count), end = int(size_t(rows.count) * (index + 1) / count);
  for (int row = first; row < end; ++row) rows.work(row, rows.argument);
}

struct Copy {
  const Picture* from;
  const Picture* to;
  Part part;
  Part changed;
  unsigned char* block;
};

}  // namespace

void for_rows(const ofx::MultiThreadSuiteV1* threads, int rows, void (*work)(int, void*), void* argument) {
  Rows all{rows, work, argument};
  unsigned int cpus = 1;
  if (threads && threads->numCpus(&cpus) == ofx::kOk && cpus > 1 && !threads->isSpawned() &&
      threads->multiThread(run_share, std::min(cpus, 4u), &all) == ofx::kOk)
    return;
  run_share(0, 1, &all);
}

void to_block(const ofx::MultiThreadSuiteV1* threads, const Picture& picture, const Part& part, unsigned char* block) {
  Copy copy{&picture, nullptr, part, {}, block};
  for_rows(
      threads, part.height,
      [](int row, void* argument) {
        const Copy& c = *static_cast<Copy*>(argument);
        const size_t bytes = size_t(c.part.width) * size_t(c.from->pixelBytes);
        std::memcpy(c.block + size_t(row) * bytes, c.from->at(c.part.x, c.part.y + row), bytes);
      },
      &copy);
}

void from_block(const ofx::MultiThreadSuiteV1* threads, const Picture& picture, const Part& part, const Part& changed,
                const ofx::RectI& window, const unsigned char* block) {
  const int left = std::max(changed.x, window.x1 - picture.whole.x1);
  const int right = std::min(changed.x + changed.width, window.x2 - picture.whole.x1);
  const int top = std::max(changed.y, picture.whole.y2 - window.y2);
  const int bottom = std::min(changed.y + changed.height, picture.whole.y2 - window.y1);
  if (left >= right || top >= bottom) return;
  Copy copy{nullptr, &picture, part, {left, top, right - left, bottom - top}, const_cast<unsigned char*>(block)};
  for_rows(
      threads, bottom - top,
      [](int row, void* argument) {
        const Copy& c = *static_cast<Copy*>(argument);
        const int y = c.changed.y + row;
        const size_t start = size_t(y - c.part.y) * size_t(c.part.width) + size_t(c.changed.x - c.part.x);
        const size_t pixel = size_t(c.to->pixelBytes);
        std::memcpy(c.to->at(c.changed.x, y), c.block + start * pixel, size_t(c.changed.width) * pixel);
      },
      &copy);
}

void copy_window(const ofx::MultiThreadSuiteV1* threads, const Picture& from, const Picture& to, const ofx::RectI& window) {
  Copy copy{&from, &to, {}, {}, nullptr};
  copy.part = {window.x1 - from.whole.x1, from.whole.y2 - window.y2, window.x2 - window.x1, window.y2 - window.y1};
  for_rows(
      threads, copy.part.height,
      [](int row, void* argument) {
        const Copy& c = *static_cast<Copy*>(argument);
        const int x = c.part.x, y = c.part.y + row;
        std::memcpy(c.to->at(x, y), c.from->at(x, y), size_t(c.part.width) * size_t(c.from->pixelBytes));
      },
      &copy);
}

}  // namespace faceplate
