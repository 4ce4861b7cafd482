// SPDX-License-Identifier: Apache-2.0
//
// The engine as the plug-in needs it: found by its state file, asked over loopback HTTP with its token, and given pixels through
// shared memory. Linux and macOS.
#ifndef FACEPLATE_ENGINE_H
#define FACEPLATE_ENGINE_H

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>

#include "json.h"

namespace faceplate {

// A refusal or a failure: the engine's code and sentence, or the plug-in's own.
struct EngineError : std::runtime_error {
  EngineError(std::string code_, const std::string& sentence) : std::runtime_error(sentence), code(std::move(code_)) {}
  std::string code;
};

// One kept connection to the engine. Not for several threads at once.
class Engine {
 public:
  Engine() = default;
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Sends a request and returns the answer. Throws EngineError, `engine-not-running` where no engine answers.
  json::Value ask(const std::string& method, const std::string& path, const std::string& body = "");

  // Follows the events of a job to its end and returns the last event `frame`. `aborted` is asked every 50 ms; once it says so,
  // the job is cancelled. Throws EngineError with the frame's or the job's error.
  json::Value follow(const std::string& job, const std::function<bool()>& aborted);

 private:
  struct Answer;

  void connect();
  void close();
  void send(const std::string& method, const std::string& path, const std::string& body);
  Answer head();
  std::string body(const Answer& answer, const std::function<bool(std::string&)>& seen, const std::function<bool()>& aborted);
  std::string line();
  void take(std::string& text, size_t count);
  void more();
  void wait(const std::function<bool()>& aborted);

  int socket_ = -1;
  int port_ = 0;
  std::string token_;
  std::string kept_;  // received and not read yet
};

// A block of the engine's shared memory, mapped for reading and writing.
class SharedBlock {
 public:
  SharedBlock() = default;
  ~SharedBlock();
  SharedBlock(const SharedBlock&) = delete;
  SharedBlock& operator=(const SharedBlock&) = delete;

  // Makes sure that the block holds `bytes`; reserves a new one from the engine where it does not.
  void reserve(Engine& engine, size_t bytes);
  // Returns the block to the engine.
  void release(Engine& engine);
  // Forgets a block that the engine has freed.
  void forget();

  const std::string& name() const { return name_; }
  unsigned char* data() const { return data_; }

 private:
  std::string name_;
  unsigned char* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace faceplate

#endif
