// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace faceplate {
namespace {

constexpr const char* kVersion = FACEPLATE_VERSION;  // from the build
constexpr int kSilence = 30000;                      // ms without data after which a connection counts as lost
constexpr int kGlance = 50;                          // ms between two looks at the host's abort
const char* const kNotRunning = "The Faceplate engine does not run. Start it with: faceplate serve";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// The rules of faceplate_client/paths.py.
std::string run_folder() {
  if (const std::string named = variable("FACEPLATE_RUN"); !named.empty()) return named;
  const std::string home = variable("HOME");
#if defined(__APPLE__)
  return home + "/Library/Caches/Faceplate/run";
#else
  if (const std::string runtime = variable("XDG_RUNTIME_DIR"); !runtime.empty()) return runtime + "/faceplate";
  const std::string cache = variable("XDG_CACHE_HOME");
  return (cache.empty() ? home + "/.cache" : cache) + "/faceplate/run";
#endif
}

// A token is read only from a file that no other user can open.
bool is_private(const std::string& path) {
  struct stat found;
  return ::lstat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == ::getuid() && !(found.st_mode & 077);
}

json::Value engine_state() {
  const std::string path = run_folder() + "/engine-" + kVersion + ".json";
  std::ifstream file(path);
  if (!file || !is_private(path)) throw EngineError("engine-not-running", kNotRunning);
  std::stringstream text;
  text << file.rdbuf();
  return json::parse(text.str());
}

[[noreturn]] void lost() { throw EngineError("engine-lost", "The connection to the Faceplate engine broke off; render the frame again."); }

void check(int status, const json::Value& answer) {
  if (status < 400) return;
  const json::Value& error = answer["error"];
  throw EngineError(error["code"].text.empty() ? "engine-answer" : error["code"].text,
                    error["message"].text.empty() ? "The engine answered with HTTP status " + std::to_string(status) + "."
                                                  : error["message"].text);
}

}  // namespace

struct Engine::Answer {
  int status = 0;
  size_t length = 0;
  bool chunked = false;
  bool closes = false;
};

Engine::~Engine() { close(); }

void Engine::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  kept_.clear();
}

void Engine::connect() {
  if (socket_ >= 0) return;
  const json::Value state = engine_state();
  port_ = state["port"].integer();
  token_ = state["token"].text;
  socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket_ < 0 || ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close();
    throw EngineError("engine-not-running", kNotRunning);
  }
  const int one = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
#if defined(SO_NOSIGPIPE)
  ::setsockopt(socket_, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
#endif
}

void Engine::send(const std::string& method, const std::string& path, const std::string& body) {
  std::string text = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) +
                     "\r\nAuthorization: Bearer " + token_ + "\r\nFaceplate-Client: " + std::to_string(::getpid()) + " " +
                     kVersion + " bound\r\n";
  if (!body.empty()) text += "Content-Type: application/json\r\n";
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
#if defined(MSG_NOSIGNAL)
  constexpr int flags = MSG_NOSIGNAL;
#else
  constexpr int flags = 0;
#endif
  for (size_t sent = 0; sent < text.size();) {
    const ssize_t count = ::send(socket_, text.data() + sent, text.size() - sent, flags);
    if (count <= 0) {
      close();
      lost();
    }
    sent += static_cast<size_t>(count);
  }
}

void Engine::wait(const std::function<bool()>& aborted) {
  for (int waited = 0; waited < kSilence; waited += kGlance) {
    pollfd watched{socket_, POLLIN, 0};
    if (::poll(&watched, 1, kGlance) > 0) return;
    if (aborted && aborted()) {
      close();  // what is still on its way belongs to the aborted job
      throw EngineError("aborted", "The host has aborted the frame.");
    }
  }
  close();
  lost();
}

void Engine::more() {
  char buffer[65536];
  const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
  if (count <= 0) {
    close();
    lost();
  }
  kept_.append(buffer, static_cast<size_t>(count));
}

std::string Engine::line() {
  size_t end;
  while ((end = kept_.find("\r\n")) == std::string::npos) {
    wait(nullptr);
    more();
  }
  const std::string text = kept_.substr(0, end);
  kept_.erase(0, end + 2);
  return text;
}

void Engine::take(std::string& text, size_t count) {
  while (kept_.size() < count) {
    wait(nullptr);
    more();
  }
  text.append(kept_, 0, count);
  kept_.erase(0, count);
}

Engine::Answer Engine::head() {
  Answer answer;
  const std::string first = line();
  if (first.size() > 12) answer.status = std::atoi(first.c_str() + 9);
  for (std::string field = line(); !field.empty(); field = line()) {
    std::transform(field.begin(), field.end(), field.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (field.rfind("content-length:", 0) == 0) answer.length = std::strtoul(field.c_str() + 15, nullptr, 10);
    if (field.rfind("transfer-encoding:", 0) == 0) answer.chunked = field.find("chunked") != std::string::npos;
    if (field.rfind("connection:", 0) == 0) answer.closes = field.find("close") != std::string::npos;
  }
  return answer;
}

// Reads an answer's body; `seen` is called as it grows and may end it early by false.
std::string Engine::body(const Answer& answer, const std::function<bool(std::string&)>& seen, const std::function<bool()>& aborted) {
  std::string text;
  if (!answer.chunked) {
    take(text, answer.length);
  } else {
    for (;;) {
      while (kept_.find("\r\n") == std::string::npos) {
        wait(aborted);
        more();
      }
      const size_t size = std::strtoul(line().c_str(), nullptr, 16);
      take(text, size);
      line();
      if (size == 0 || (seen && !seen(text))) break;
    }
  }
  if (answer.closes) close();
  return text;
}

json::Value Engine::ask(const std::string& method, const std::string& path, const std::string& sent) {
  const bool kept = socket_ >= 0;
  for (bool again = kept;; again = false) {
    try {
      connect();
      send(method, path, sent);
      const Answer answer = head();
      const json::Value value = json::parse(body(answer, nullptr, nullptr));
      check(answer.status, value);
      return value;
    } catch (const EngineError& error) {
      // A kept connection that the engine has closed in the meantime, or an engine that was started again.
      if (!again || (error.code != "engine-lost" && error.code != "bad-token")) throw;
      close();
    }
  }
}

json::Value Engine::follow(const std::string& job, const std::function<bool()>& aborted) {
  json::Value frame, last;
  size_t read = 0;
  const auto seen = [&](std::string& text) {
    for (size_t end; (end = text.find("\n\n", read)) != std::string::npos; read = end + 2) {
      const std::string event = text.substr(read, end - read);
      const size_t data = event.find("data: ");
      if (data == std::string::npos) continue;
      const json::Value value = json::parse(event.substr(data + 6));
      if (event.find("event: frame") != std::string::npos) frame = value;
      if (event.find("event: state") != std::string::npos) last = value;
    }
    return true;
  };
  try {
    connect();
    send("GET", "/v1/jobs/" + job + "/events", "");
    const Answer answer = head();
    const std::string text = body(answer, seen, aborted);
    check(answer.status, answer.chunked ? json::Value() : json::parse(text));
  } catch (const EngineError& error) {
    if (error.code == "aborted") ask("DELETE", "/v1/jobs/" + job);
    throw;
  }
  if (frame["state"].text == "done") return frame;
  const json::Value& error = frame["error"].kind == json::Kind::object ? frame["error"] : last["error"];
  throw EngineError(error["code"].text.empty() ? "cancelled" : error["code"].text,
                    error["message"].text.empty() ? "The engine did not finish the frame." : error["message"].text);
}

SharedBlock::~SharedBlock() { forget(); }

void SharedBlock::forget() {
  if (data_) ::munmap(data_, bytes_);
  data_ = nullptr;
  bytes_ = 0;
  name_.clear();
}

void SharedBlock::release(Engine& engine) {
  if (name_.empty()) return;
  const std::string name = name_;
  forget();
  engine.ask("DELETE", "/v1/shared/" + name);
}

void SharedBlock::reserve(Engine& engine, size_t bytes) {
  if (bytes <= bytes_) return;
  if (data_) {
    try {
      release(engine);
    } catch (const EngineError&) {
      forget();  // freed already
    }
  }
  const json::Value answer = engine.ask("POST", "/v1/shared", "{\"bytes\": " + std::to_string(bytes) + "}");
  const std::string name = answer["name"].text;
  const int file = ::shm_open(("/" + name).c_str(), O_RDWR, 0);
  void* data = file < 0 ? MAP_FAILED : ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (file >= 0) ::close(file);
  if (data == MAP_FAILED) throw EngineError("no-pixels", "The engine's shared memory cannot be opened: is the engine this user's?");
  name_ = name;
  data_ = static_cast<unsigned char*>(data);
  bytes_ = bytes;
}

}  // namespace faceplate
