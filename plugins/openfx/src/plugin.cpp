// SPDX-License-Identifier: Apache-2.0
//
// Faceplate's experimental OpenFX filter: sends the part of a frame that the engine needs, and shows what comes back.
#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine.h"
#include "openfx.h"
#include "parameters.inc"  // kParameters, made by the build from the engine's own list
#include "picture.h"

namespace {

using faceplate::Engine;
using faceplate::EngineError;
using faceplate::Part;
using faceplate::Picture;
using faceplate::SharedBlock;
using Clock = std::chrono::steady_clock;

constexpr const char* kShot = "shot";

// What the host gives.
struct HostSuites {
  ofx::Host* host = nullptr;
  const ofx::PropertySuiteV1* property = nullptr;
  const ofx::ImageEffectSuiteV1* effect = nullptr;
  const ofx::ParameterSuiteV1* parameter = nullptr;
  const ofx::MultiThreadSuiteV1* threads = nullptr;
  const ofx::MessageSuiteV1* message = nullptr;
};

HostSuites suites;

// What one node keeps between its frames.
struct Instance {
  std::mutex busy;  // one frame at a time: the connection and the block are the instance's
  Engine engine;
  SharedBlock block;
  std::string shotFile;
  std::string shotKey;
  double shotDate = 0.0;
  std::map<int, Part> regions;  // what each frame needed when it was last asked
};

// The milliseconds of a frame's steps, for the benchmark.
struct Times {
  Clock::time_point begun = Clock::now();
  double copied = 0.0, asked = 0.0, answered = 0.0, done = 0.0, engine = 0.0, route = 0.0;

  double now() const { return std::chrono::duration<double, std::milli>(Clock::now() - begun).count(); }
};

ofx::PropertySetHandle properties_of(ofx::ImageEffectHandle effect) {
  ofx::PropertySetHandle set = nullptr;
  suites.effect->getPropertySet(effect, &set);
  return set;
}

Instance* instance_of(ofx::ImageEffectHandle effect) {
  void* data = nullptr;
  suites.property->getPointer(properties_of(effect), ofx::kPropInstanceData, 0, &data);
  return static_cast<Instance*>(data);
}

// Parameters -------------------------------------------------------------------------------------------------------------

ofx::ParamHandle parameter_of(ofx::ImageEffectHandle effect, const char* name) {
  ofx::ParamSetHandle set = nullptr;
  ofx::ParamHandle handle = nullptr;
  suites.effect->getParamSet(effect, &set);
  if (suites.parameter->getHandle(set, name, &handle, nullptr) != ofx::kOk)
    throw EngineError("host", std::string("The host has no parameter ") + name + ".");
  return handle;
}

std::string text_of(ofx::ImageEffectHandle effect, const char* name, double time) {
  char* text = nullptr;
  suites.parameter->getValueAtTime(parameter_of(effect, name), time, &text);
  return text ? text : "";
}

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  for (char& letter : text)
    if (letter == ',') letter = '.';  // the host may have set another locale
  return text;
}

// Returns the values that differ from their defaults, as a JSON object; at its default a value is the shot file's.
std::string values_at(ofx::ImageEffectHandle effect, double time) {
  std::string out;
  const auto add = [&out](const char* name, const std::string& value) {
    out += (out.empty() ? "" : ", ") + json::quoted(name) + ": " + value;
  };
  for (const Parameter& item : kParameters) {
    if (item.kind == Parameter::text) {
      const std::string value = text_of(effect, item.name, time);
      if (value != item.words[0]) add(item.name, json::quoted(value));
    } else if (item.kind == Parameter::choice) {
      int index = 0;
      suites.parameter->getValueAtTime(parameter_of(effect, item.name), time, &index);
      if (index != int(item.standard) && index >= 0 && index < item.count) add(item.name, json::quoted(item.words[index]));
    } else {
      double value = 0.0;
      suites.parameter->getValueAtTime(parameter_of(effect, item.name), time, &value);
      if (value != item.standard) add(item.name, decimal(value));
    }
  }
  return "{" + out + "}";
}

void define_parameter(ofx::ParamSetHandle set, const Parameter& item) {
  static const char* const kTypes[] = {ofx::kParamDouble, ofx::kParamString, ofx::kParamChoice};
  const auto& p = *suites.property;
  ofx::PropertySetHandle about = nullptr;
  suites.parameter->define(set, kTypes[item.kind], item.name, &about);
  p.setString(about, ofx::kPropLabel, 0, item.label);
  p.setString(about, ofx::kParamHint, 0, item.help);
  if (item.kind == Parameter::text) {
    p.setString(about, ofx::kParamDefault, 0, item.words[0]);
    p.setInt(about, ofx::kParamAnimates, 0, 0);
  } else if (item.kind == Parameter::choice) {
    for (int k = 0; k < item.count; ++k) p.setString(about, ofx::kParamChoiceOption, k, item.words[k]);
    p.setInt(about, ofx::kParamDefault, 0, int(item.standard));
    p.setInt(about, ofx::kParamAnimates, 0, 0);
  } else {
    p.setDouble(about, ofx::kParamDefault, 0, item.standard);
    for (const char* name : {ofx::kParamMin, ofx::kParamDisplayMin}) p.setDouble(about, name, 0, item.least);
    for (const char* name : {ofx::kParamMax, ofx::kParamDisplayMax}) p.setDouble(about, name, 0, item.most);
  }
}

// Images -----------------------------------------------------------------------------------------------------------------

// An image of a clip, given back to the host at the end.
class Image {
 public:
  Image(ofx::ImageEffectHandle effect, const char* clip, double time) {
    ofx::ImageClipHandle handle = nullptr;
    suites.effect->clipGetHandle(effect, clip, &handle, nullptr);
    if (suites.effect->clipGetImage(handle, time, nullptr, &set_) != ofx::kOk || !set_)
      throw EngineError("host", std::string("The host gives no image of the clip ") + clip + ".");
    const auto& p = *suites.property;
    void* data = nullptr;
    char *depth = nullptr, *components = nullptr;
    p.getPointer(set_, ofx::kImageData, 0, &data);
    p.getIntN(set_, ofx::kImageBounds, 4, &picture.bounds.x1);
    p.getIntN(set_, ofx::kImageRegionOfDefinition, 4, &picture.whole.x1);
    p.getInt(set_, ofx::kImageRowBytes, 0, &picture.rowBytes);
    p.getString(set_, ofx::kImageDepth, 0, &depth);
    p.getString(set_, ofx::kImageComponents, 0, &components);
    picture.data = static_cast<unsigned char*>(data);
    const std::string kind = depth ? depth : "";
    picture.pixelBytes = kind == ofx::kDepthHalf ? 8 : kind == ofx::kDepthFloat ? 16 : 0;
    if (!data || !picture.pixelBytes || std::string(components ? components : "") != ofx::kComponentRgba)
      throw EngineError("host", "Faceplate needs RGBA pixels, half or float.");
  }
  ~Image() { suites.effect->clipReleaseImage(set_); }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  Picture picture;

 private:
  ofx::PropertySetHandle set_ = nullptr;
};

// The engine -------------------------------------------------------------------------------------------------------------

double date_of(const std::string& path) {
  struct stat found;
  if (::stat(path.c_str(), &found) != 0) throw EngineError("no-shot", "The shot file " + path + " cannot be read.");
#if defined(__APPLE__)
  return double(found.st_mtimespec.tv_sec) + 1e-9 * double(found.st_mtimespec.tv_nsec);
#else
  return double(found.st_mtim.tv_sec) + 1e-9 * double(found.st_mtim.tv_nsec);
#endif
}

void open_shot(Instance& node, const std::string& file) {
  const double date = date_of(file);
  if (!node.shotKey.empty() && file == node.shotFile && date == node.shotDate) return;
  const json::Value answer = node.engine.ask("POST", "/v1/shots", "{\"path\": " + json::quoted(file) + "}");
  node.shotKey = answer["shot"].text;
  node.shotFile = file;
  node.shotDate = date;
  node.regions.clear();
}

Part part_of(const json::Value& numbers) {
  return {numbers[0].integer(), numbers[1].integer(), numbers[2].integer(), numbers[3].integer()};
}

// Returns the part of the picture that the frame needs; asks the engine once, because a changed value seldom changes it.
Part region_of(Instance& node, int frame, const std::string& values, const Picture& picture) {
  const auto known = node.regions.find(frame);
  if (known != node.regions.end()) return known->second;
  const json::Value answer =
      node.engine.ask("POST", "/v1/regions", "{\"shot\": " + json::quoted(node.shotKey) + ", \"frame\": " + std::to_string(frame) +
                                                 ", \"values\": " + values + "}");
  const json::Value& size = answer["size"];
  if (size[0].integer() != picture.width() || size[1].integer() != picture.height())
    throw EngineError("other-size", "The picture has " + std::to_string(picture.width()) + " x " + std::to_string(picture.height()) +
                                        " pixels and the shot's plate " + std::to_string(size[0].integer()) + " x " +
                                        std::to_string(size[1].integer()) + "; render at full resolution.");
  return node.regions[frame] = part_of(answer["region"]);
}

std::string pixels_request(const Instance& node, int frame, const std::string& values, const Part& part, const Picture& picture) {
  const auto number = [](int value) { return std::to_string(value); };
  return "{\"kind\": \"pixels\", \"shot\": " + json::quoted(node.shotKey) + ", \"frame\": " + number(frame) + ", \"block\": " +
         json::quoted(node.block.name()) + ", \"dtype\": \"" + (picture.pixelBytes == 8 ? "<f2" : "<f4") + "\", \"window\": [" +
         number(part.x) + ", " + number(part.y) + ", " + number(part.width) + ", " + number(part.height) + "], \"size\": [" +
         number(picture.width()) + ", " + number(picture.height()) + "], \"values\": " + values + "}";
}

// Renders one frame: the output is the source with the engine's pixels over it.
void render_frame(ofx::ImageEffectHandle effect, Instance& node, double time, const ofx::RectI& window, Times& times) {
  const Image source(effect, ofx::kClipSource, time), output(effect, ofx::kClipOutput, time);
  const Picture &from = source.picture, &to = output.picture;
  if (from.pixelBytes != to.pixelBytes) throw EngineError("host", "Source and output have different depths.");
  if (!from.holds(window) || !to.holds(window)) throw EngineError("host", "The host's images do not hold the window to render.");
  if (!from.holds(from.whole)) throw EngineError("host", "Faceplate needs the whole source picture; switch tiles off.");
  const int frame = int(std::lround(time));
  const std::string values = values_at(effect, time);
  open_shot(node, text_of(effect, kShot, time));
  const Part part = region_of(node, frame, values, from);
  if (part.empty()) {  // the frame does not show the face
    faceplate::copy_window(suites.threads, from, to, window);
    return;
  }
  node.block.reserve(node.engine, part.bytes(from));
  times.asked = times.now();
  faceplate::to_block(suites.threads, from, part, node.block.data());
  times.copied = times.now();
  const json::Value job = node.engine.ask("POST", "/v1/jobs", pixels_request(node, frame, values, part, from));
  faceplate::copy_window(suites.threads, from, to, window);  // while the engine works
  const json::Value done = node.engine.follow(job["job"].text, [effect] { return suites.effect->abort(effect) != 0; });
  times.answered = times.now();
  faceplate::from_block(suites.threads, to, part, part_of(done["window"]), window, node.block.data());
  times.engine = done["ms"].number;
  times.route = done["route_ms"].number;
  times.done = times.now();
}

// Adds a line of milliseconds to the file that FACEPLATE_OFX_TIMES names.
void note_times(const Times& times) {
  const char* path = std::getenv("FACEPLATE_OFX_TIMES");
  std::FILE* file = path ? std::fopen(path, "a") : nullptr;
  if (!file) return;
  std::fprintf(file, "{\"total\": %.2f, \"engine\": %.2f, \"route\": %.2f, \"ask\": %.2f, \"copy_in\": %.2f, \"copy_out\": %.2f}\n",
               times.done, times.engine, times.route, times.asked, times.copied - times.asked, times.done - times.answered);
  std::fclose(file);
}

// Actions ----------------------------------------------------------------------------------------------------------------

template <class Suite>
bool fetch(const Suite*& suite, const char* name) {
  suite = static_cast<const Suite*>(suites.host->fetchSuite(suites.host->host, name, 1));
  return suite != nullptr;
}

ofx::Status load() {
  const bool needed = fetch(suites.property, ofx::kPropertySuite) && fetch(suites.effect, ofx::kImageEffectSuite) &&
                      fetch(suites.parameter, ofx::kParameterSuite);
  fetch(suites.threads, ofx::kMultiThreadSuite);
  fetch(suites.message, ofx::kMessageSuite);
  return needed ? ofx::kOk : ofx::kErrMissingHostFeature;
}

ofx::Status describe(ofx::ImageEffectHandle effect) {
  const auto& p = *suites.property;
  const ofx::PropertySetHandle set = properties_of(effect);
  p.setString(set, ofx::kPropLabel, 0, "Faceplate (experimental)");
  p.setString(set, ofx::kPropGrouping, 0, "Faceplate");
  p.setString(set, ofx::kPropSupportedContexts, 0, ofx::kContextFilter);
  p.setString(set, ofx::kPropSupportedDepths, 0, ofx::kDepthFloat);
  p.setString(set, ofx::kPropSupportedDepths, 1, ofx::kDepthHalf);
  p.setInt(set, ofx::kPropSupportsTiles, 0, 0);
  p.setString(set, ofx::kPropRenderSafety, 0, ofx::kSafetyInstance);
  return ofx::kOk;
}

ofx::Status describe_in_context(ofx::ImageEffectHandle effect) {
  const auto& p = *suites.property;
  for (const char* name : {ofx::kClipSource, ofx::kClipOutput}) {
    ofx::PropertySetHandle clip = nullptr;
    suites.effect->clipDefine(effect, name, &clip);
    p.setString(clip, ofx::kPropSupportedComponents, 0, ofx::kComponentRgba);
    p.setInt(clip, ofx::kPropSupportsTiles, 0, 0);
  }
  ofx::ParamSetHandle set = nullptr;
  ofx::PropertySetHandle about = nullptr;
  suites.effect->getParamSet(effect, &set);
  suites.parameter->define(set, ofx::kParamString, kShot, &about);
  p.setString(about, ofx::kPropLabel, 0, "Shot file");
  p.setString(about, ofx::kParamHint, 0,
              "The .shot.json that names plate, track and source. The picture takes the place of the plate's pixels; a value below that "
              "stands at its default is the shot file's.");
  p.setString(about, ofx::kParamStringMode, 0, ofx::kStringIsFilePath);
  p.setInt(about, ofx::kParamAnimates, 0, 0);
  for (const Parameter& item : kParameters) define_parameter(set, item);
  return ofx::kOk;
}

ofx::Status create(ofx::ImageEffectHandle effect) {
  return suites.property->setPointer(properties_of(effect), ofx::kPropInstanceData, 0, new Instance);
}

ofx::Status destroy(ofx::ImageEffectHandle effect) {
  const std::unique_ptr<Instance> node(instance_of(effect));
  suites.property->setPointer(properties_of(effect), ofx::kPropInstanceData, 0, nullptr);
  if (node) {
    try {
      node->block.release(node->engine);
    } catch (const EngineError&) {
      // the engine has ended, and its memory with it
    }
  }
  return ofx::kOk;
}

// Without a shot file the node passes its source on.
ofx::Status is_identity(ofx::ImageEffectHandle effect, ofx::PropertySetHandle in, ofx::PropertySetHandle out) {
  double time = 0.0;
  suites.property->getDouble(in, ofx::kPropTime, 0, &time);
  if (!text_of(effect, kShot, time).empty()) return ofx::kReplyDefault;
  suites.property->setString(out, ofx::kPropName, 0, ofx::kClipSource);
  suites.property->setDouble(out, ofx::kPropTime, 0, time);
  return ofx::kOk;
}

ofx::Status render(ofx::ImageEffectHandle effect, ofx::PropertySetHandle in) {
  double time = 0.0;
  ofx::RectI window{};
  suites.property->getDouble(in, ofx::kPropTime, 0, &time);
  suites.property->getIntN(in, ofx::kPropRenderWindow, 4, &window.x1);
  Instance* node = instance_of(effect);
  if (!node) return ofx::kErrBadHandle;
  const std::lock_guard<std::mutex> lock(node->busy);
  for (bool again = true;; again = false) {
    try {
      Times times;
      render_frame(effect, *node, time, window, times);
      note_times(times);
      return ofx::kOk;
    } catch (const EngineError& error) {
      if (error.code == "aborted") return ofx::kOk;  // the host wants no picture any more
      const bool forgotten = error.code == "unknown-shot" || error.code == "unknown-pixels" || error.code == "engine-lost";
      const bool grown = error.code == "pixels-missing";  // a changed value needs more of the picture than before
      node->regions.clear();
      if (!grown) node->shotKey.clear();
      if (forgotten) node->block.forget();
      if (again && (forgotten || grown)) continue;  // the engine was started again, or has dropped what was not used for long
      if (suites.message) suites.message->message(effect, ofx::kMessageError, error.code.c_str(), "%s", error.what());
      return ofx::kFailed;
    }
  }
}

ofx::Status main_entry(const char* name, const void* handle, ofx::PropertySetHandle in, ofx::PropertySetHandle out) {
  const std::string action = name;
  const auto effect = static_cast<ofx::ImageEffectHandle>(const_cast<void*>(handle));
  try {
    if (action == ofx::kActionLoad) return load();
    if (action == ofx::kActionDescribe) return describe(effect);
    if (action == ofx::kActionDescribeInContext) return describe_in_context(effect);
    if (action == ofx::kActionCreateInstance) return create(effect);
    if (action == ofx::kActionDestroyInstance) return destroy(effect);
    if (action == ofx::kActionIsIdentity) return is_identity(effect, in, out);
    if (action == ofx::kActionRender) return render(effect, in);
  } catch (const std::bad_alloc&) {
    return ofx::kErrMemory;
  } catch (...) {  // no exception may reach the host
    return ofx::kFailed;
  }
  return ofx::kReplyDefault;
}

void set_host(ofx::Host* host) { suites.host = host; }

ofx::Plugin plugin = {ofx::kImageEffectApi, ofx::kImageEffectApiVersion, "faceplate.FaceSwap", 0, 1, set_host, main_entry};

}  // namespace

FACEPLATE_EXPORT int OfxGetNumberOfPlugins() { return 1; }

FACEPLATE_EXPORT ofx::Plugin* OfxGetPlugin(int index) { return index == 0 ? &plugin : nullptr; }
