// SPDX-License-Identifier: Apache-2.0
//
// A small OpenFX host for tests and timings: loads one plug-in, renders one frame through its filter context, and checks what the
// standard asks of both sides. Run it without arguments for its options.
#include <dlfcn.h>

#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "openfx.h"

// Handles ----------------------------------------------------------------------------------------------------------------

namespace ofx {

using PropertyValue = std::variant<std::monostate, void*, std::string, double, int>;

struct PropertySetStruct {
  std::map<std::string, std::vector<PropertyValue>> values;
  bool isImage = false;
};

struct ParamStruct {
  std::string type;
  PropertySetStruct about;
  PropertyValue value;
};

struct ParamSetStruct {
  std::map<std::string, ParamStruct> params;
  PropertySetStruct about;
};

struct ImageClipStruct {
  std::string name;
  PropertySetStruct about;
  ImageEffectStruct* effect = nullptr;
};

struct ImageMemoryStruct {
  std::vector<unsigned char> bytes;
};

struct ImageEffectStruct {
  PropertySetStruct about;
  ParamSetStruct params;
  std::map<std::string, ImageClipStruct> clips;
  std::map<std::string, PropertySetStruct> images;  // what the clips give
  bool abort = false;
};

struct Mutex {
  std::recursive_mutex lock;
};

}  // namespace ofx

namespace {

using namespace ofx;

int faults = 0;           // what the plug-in did that the standard forbids
std::atomic<int> lent{0};  // images that the plug-in holds
thread_local int thread_index = -1;

void fault(const std::string& text) {
  ++faults;
  std::fprintf(stderr, "fault: %s\n", text.c_str());
}

[[noreturn]] void give_up(const std::string& text) {
  std::fprintf(stderr, "Error: %s\n", text.c_str());
  std::exit(2);
}

// Property suite -----------------------------------------------------------------------------------------------------------

template <class T>
Status put(PropertySetHandle set, const char* name, int index, T value) {
  if (!set) return kErrBadHandle;
  if (index < 0) return kErrBadIndex;
  auto& values = set->values[name];
  if (values.size() <= size_t(index)) values.resize(size_t(index) + 1);
  values[size_t(index)] = std::move(value);
  return kOk;
}

template <class T>
Status get(PropertySetHandle set, const char* name, int index, T** found) {
  if (!set) return kErrBadHandle;
  const auto entry = set->values.find(name);
  if (entry == set->values.end()) return kErrUnknown;
  if (index < 0 || size_t(index) >= entry->second.size()) return kErrBadIndex;
  *found = std::get_if<T>(&entry->second[size_t(index)]);
  return *found ? kOk : kErrValue;
}

template <class T>
Status get_value(PropertySetHandle set, const char* name, int index, T* value) {
  T* found = nullptr;
  const Status status = get(set, name, index, &found);
  if (status == kOk) *value = *found;
  return status;
}

Status set_pointer(PropertySetHandle s, const char* n, int i, void* v) { return put(s, n, i, v); }
Status set_string(PropertySetHandle s, const char* n, int i, const char* v) { return put(s, n, i, std::string(v ? v : "")); }
Status set_double(PropertySetHandle s, const char* n, int i, double v) { return put(s, n, i, v); }
Status set_int(PropertySetHandle s, const char* n, int i, int v) { return put(s, n, i, v); }
Status get_pointer(PropertySetHandle s, const char* n, int i, void** v) { return get_value(s, n, i, v); }
Status get_double(PropertySetHandle s, const char* n, int i, double* v) { return get_value(s, n, i, v); }
Status get_int(PropertySetHandle s, const char* n, int i, int* v) { return get_value(s, n, i, v); }
Status get_string(PropertySetHandle s, const char* n, int i, char** v) {
  std::string* found = nullptr;
  const Status status = get(s, n, i, &found);
  if (status == kOk) *v = found->data();
  return status;
}

// Returns the N form of a function for one value.
template <class T, Status (*one)(PropertySetHandle, const char*, int, T)>
Status many(PropertySetHandle set, const char* name, int count, const T* values) {
  Status status = kOk;
  for (int k = 0; k < count && status == kOk; ++k) status = one(set, name, k, values[k]);
  return status;
}

template <class T, Status (*one)(PropertySetHandle, const char*, int, T*)>
Status get_many(PropertySetHandle set, const char* name, int count, T* values) {
  Status status = kOk;
  for (int k = 0; k < count && status == kOk; ++k) status = one(set, name, k, values + k);
  return status;
}

Status set_pointers(PropertySetHandle s, const char* n, int c, void* const* v) { return many<void*, set_pointer>(s, n, c, v); }
Status set_strings(PropertySetHandle s, const char* n, int c, const char* const* v) { return many<const char*, set_string>(s, n, c, v); }

Status reset(PropertySetHandle set, const char* name) { return set->values.erase(name) ? kOk : kErrUnknown; }

Status dimension(PropertySetHandle set, const char* name, int* count) {
  const auto entry = set->values.find(name);
  if (entry == set->values.end()) return kErrUnknown;
  *count = int(entry->second.size());
  return kOk;
}

const PropertySuiteV1 property_suite = {
    set_pointer, set_string,  set_double, set_int,
    set_pointers, set_strings, many<double, set_double>, many<int, set_int>,
    get_pointer, get_string,  get_double, get_int,
    get_many<void*, get_pointer>, get_many<char*, get_string>, get_many<double, get_double>, get_many<int, get_int>,
    reset, dimension};

// Image effect suite -------------------------------------------------------------------------------------------------------

Status effect_properties(ImageEffectHandle effect, PropertySetHandle* set) { return *set = &effect->about, kOk; }
Status effect_params(ImageEffectHandle effect, ParamSetHandle* set) { return *set = &effect->params, kOk; }

Status clip_define(ImageEffectHandle effect, const char* name, PropertySetHandle* set) {
  ImageClipStruct& clip = effect->clips[name];
  clip.name = name;
  clip.effect = effect;
  if (set) *set = &clip.about;
  return kOk;
}

Status clip_handle(ImageEffectHandle effect, const char* name, ImageClipHandle* clip, PropertySetHandle* set) {
  const auto found = effect->clips.find(name);
  if (found == effect->clips.end()) return kErrUnknown;
  *clip = &found->second;
  if (set) *set = &found->second.about;
  return kOk;
}

Status clip_properties(ImageClipHandle clip, PropertySetHandle* set) { return *set = &clip->about, kOk; }

Status clip_image(ImageClipHandle clip, Time, const RectD*, PropertySetHandle* image) {
  if (!clip) return kErrBadHandle;
  const auto found = clip->effect->images.find(clip->name);
  if (found == clip->effect->images.end()) return kFailed;
  ++lent;
  *image = &found->second;
  return kOk;
}

Status release_image(PropertySetHandle image) {
  if (!image || !image->isImage) return kErrBadHandle;
  --lent;
  return kOk;
}

Status clip_region(ImageClipHandle clip, Time, RectD* bounds) {
  PropertySetHandle image = &clip->effect->images[clip->name];
  int r[4];
  const Status status = get_many<int, get_int>(image, kImageRegionOfDefinition, 4, r);
  if (status == kOk) *bounds = {double(r[0]), double(r[1]), double(r[2]), double(r[3])};
  return status;
}

int aborted(ImageEffectHandle effect) { return effect->abort; }
Status memory_alloc(ImageEffectHandle, size_t bytes, ImageMemoryHandle* handle) {
  *handle = new ImageMemoryStruct{std::vector<unsigned char>(bytes)};
  return kOk;
}
Status memory_free(ImageMemoryHandle handle) { return delete handle, kOk; }
Status memory_lock(ImageMemoryHandle handle, void** data) { return *data = handle->bytes.data(), kOk; }
Status memory_unlock(ImageMemoryHandle) { return kOk; }

const ImageEffectSuiteV1 effect_suite = {effect_properties, effect_params, clip_define,  clip_handle,  clip_properties,
                                         clip_image,        release_image, clip_region,  aborted,      memory_alloc,
                                         memory_free,       memory_lock,   memory_unlock};

// Parameter suite ----------------------------------------------------------------------------------------------------------

Status param_define(ParamSetHandle set, const char* type, const char* name, PropertySetHandle* about) {
  if (set->params.count(name)) return kErrExists;
  ParamStruct& param = set->params[name];
  param.type = type;
  put(&param.about, kPropName, 0, std::string(name));
  if (about) *about = &param.about;
  return kOk;
}

Status param_handle(ParamSetHandle set, const char* name, ParamHandle* handle, PropertySetHandle* about) {
  const auto found = set->params.find(name);
  if (found == set->params.end()) return kErrUnknown;
  *handle = &found->second;
  if (about) *about = &found->second.about;
  return kOk;
}

Status param_set_properties(ParamSetHandle set, PropertySetHandle* about) { return *about = &set->about, kOk; }
Status param_properties(ParamHandle param, PropertySetHandle* about) { return *about = &param->about, kOk; }

Status read_param(ParamHandle param, va_list places) {
  if (!param) return kErrBadHandle;
  if (param->type == kParamDouble) return *va_arg(places, double*) = std::get<double>(param->value), kOk;
  if (param->type == kParamChoice) return *va_arg(places, int*) = std::get<int>(param->value), kOk;
  if (param->type == kParamString) return *va_arg(places, char**) = std::get<std::string>(param->value).data(), kOk;
  return kErrUnsupported;
}

Status param_get(ParamHandle param, ...) {
  va_list places;
  va_start(places, param);
  const Status status = read_param(param, places);
  va_end(places);
  return status;
}

Status param_get_at(ParamHandle param, Time time, ...) {
  va_list places;
  va_start(places, time);
  const Status status = read_param(param, places);
  va_end(places);
  return status;
}

Status no_two(ParamHandle, Time, ...) { return kErrUnsupported; }
Status no_integral(ParamHandle, Time, Time, ...) { return kErrUnsupported; }
Status no_set(ParamHandle, ...) { return kErrUnsupported; }
Status no_keys(ParamHandle, unsigned int* count) { return *count = 0, kOk; }
Status no_key_time(ParamHandle, unsigned int, Time*) { return kErrBadIndex; }
Status no_key_index(ParamHandle, Time, int, int*) { return kFailed; }
Status no_delete(ParamHandle, Time) { return kErrBadIndex; }
Status no_delete_all(ParamHandle) { return kOk; }
Status no_copy(ParamHandle, ParamHandle, Time, const RangeD*) { return kErrUnsupported; }
Status no_edit(ParamSetHandle, const char*) { return kOk; }
Status no_edit_end(ParamSetHandle) { return kOk; }

const ParameterSuiteV1 parameter_suite = {param_define, param_handle, param_set_properties, param_properties, param_get, param_get_at,
                                          no_two,       no_integral,  no_set,               no_two,           no_keys,   no_key_time,
                                          no_key_index, no_delete,    no_delete_all,        no_copy,          no_edit,   no_edit_end};

// Memory, threads, messages ------------------------------------------------------------------------------------------------

Status plain_alloc(void*, size_t bytes, void** data) { return (*data = std::malloc(bytes)) ? kOk : kErrMemory; }
Status plain_free(void* data) { return std::free(data), kOk; }
const MemorySuiteV1 memory_suite = {plain_alloc, plain_free};

Status cpus(unsigned int* count) { return *count = std::max(1u, std::thread::hardware_concurrency()), kOk; }

Status multi_thread(ThreadFunction* work, unsigned int wanted, void* argument) {
  if (thread_index >= 0) return kErrExists;
  unsigned int count = wanted;
  if (count == 0) cpus(&count);
  std::vector<std::thread> threads;
  for (unsigned int k = 0; k < count; ++k)
    threads.emplace_back([=] {
      thread_index = int(k);
      work(k, count, argument);
    });
  for (std::thread& thread : threads) thread.join();
  return kOk;
}

Status my_index(unsigned int* index) { return *index = thread_index < 0 ? 0u : unsigned(thread_index), kOk; }
int is_spawned() { return thread_index >= 0; }
Status mutex_create(MutexHandle* mutex, int) { return *mutex = new Mutex, kOk; }
Status mutex_destroy(MutexHandle mutex) { return delete mutex, kOk; }
Status mutex_lock(MutexHandle mutex) { return mutex->lock.lock(), kOk; }
Status mutex_unlock(MutexHandle mutex) { return mutex->lock.unlock(), kOk; }
Status mutex_try(MutexHandle mutex) { return mutex->lock.try_lock() ? kOk : kFailed; }
const MultiThreadSuiteV1 thread_suite = {multi_thread,  cpus,       my_index,     is_spawned, mutex_create,
                                         mutex_destroy, mutex_lock, mutex_unlock, mutex_try};

Status message(void*, const char* type, const char* id, const char* format, ...) {
  va_list words;
  va_start(words, format);
  std::fprintf(stderr, "%s %s: ", type, id);
  std::vfprintf(stderr, format, words);
  std::fprintf(stderr, "\n");
  va_end(words);
  return kOk;
}
const MessageSuiteV1 message_suite = {message};

const void* fetch_suite(PropertySetHandle, const char* name, int version) {
  static const std::map<std::string, const void*> known = {
      {kPropertySuite, &property_suite}, {kImageEffectSuite, &effect_suite},  {kParameterSuite, &parameter_suite},
      {kMemorySuite, &memory_suite},     {kMultiThreadSuite, &thread_suite}, {kMessageSuite, &message_suite}};
  const auto found = known.find(name);
  return version == 1 && found != known.end() ? found->second : nullptr;
}

// The command --------------------------------------------------------------------------------------------------------------

struct Options {
  std::string plugin, in, out, depth = "half", tweak;
  int width = 0, height = 0, padding = 0, turns = 1;
  double frame = 1;
  bool abort = false, describe = false;
  RectI window{};
  std::map<std::string, std::string> values;
};

const char* const kUsage =
    "mini_host PLUGIN.ofx [--describe] --in RAW --out RAW --size WxH [--depth half|float] [--frame N] [--window x1,y1,x2,y2]\n"
    "          [--padding BYTES] [--turns N] [--tweak NAME=v1,v2,...] [--abort] [NAME=VALUE ...]\n"
    "RAW holds RGBA rows from the top. Each turn and each value of --tweak renders the frame again and prints its milliseconds.\n";

Options read_options(int count, char** words) {
  Options options;
  if (count < 2) {
    std::fputs(kUsage, stderr);
    std::exit(2);
  }
  options.plugin = words[1];
  for (int k = 2; k < count; ++k) {
    const std::string word = words[k];
    const auto next = [&]() -> std::string { return ++k < count ? words[k] : ""; };
    if (word == "--in") options.in = next();
    else if (word == "--out") options.out = next();
    else if (word == "--depth") options.depth = next();
    else if (word == "--frame") options.frame = std::atof(next().c_str());
    else if (word == "--padding") options.padding = std::atoi(next().c_str());
    else if (word == "--turns") options.turns = std::atoi(next().c_str());
    else if (word == "--tweak") options.tweak = next();
    else if (word == "--abort") options.abort = true;
    else if (word == "--describe") options.describe = true;
    else if (word == "--size") std::sscanf(next().c_str(), "%dx%d", &options.width, &options.height);
    else if (word == "--window") {
      RectI& w = options.window;
      std::sscanf(next().c_str(), "%d,%d,%d,%d", &w.x1, &w.y1, &w.x2, &w.y2);
    } else if (const size_t equals = word.find('='); equals != std::string::npos)
      options.values[word.substr(0, equals)] = word.substr(equals + 1);
    else
      give_up("unknown option " + word);
  }
  if (options.window.x2 == 0) options.window = {0, 0, options.width, options.height};
  return options;
}

// Gives a parameter its default, or the value that `text` says.
void set_value(ParamStruct& param, const std::string* text) {
  std::string* word = nullptr;
  double number = 0.0;
  int index = 0;
  if (param.type == kParamDouble) {
    get_value(&param.about, kParamDefault, 0, &number);
    param.value = text ? std::atof(text->c_str()) : number;
  } else if (param.type == kParamString) {
    param.value = text ? *text : get(&param.about, kParamDefault, 0, &word) == kOk ? *word : "";
  } else if (param.type == kParamChoice) {
    get_value(&param.about, kParamDefault, 0, &index);
    int count = 0;
    dimension(&param.about, kParamChoiceOption, &count);
    for (int k = 0; text && k < count; ++k)
      if (get(&param.about, kParamChoiceOption, k, &word) == kOk && *word == *text) index = k;
    param.value = index;
  } else {
    give_up("the host knows no parameters of type " + param.type);
  }
}

struct Pixels {
  std::vector<unsigned char> bytes;
  int rowBytes = 0;
};

// Describes pixels as the image of a clip; rows lie from the bottom, as the standard says.
void describe_image(PropertySetStruct& image, Pixels& pixels, const Options& options) {
  const int bounds[4] = {0, 0, options.width, options.height};
  image.isImage = true;
  set_pointer(&image, kImageData, 0, pixels.bytes.data());
  many<int, set_int>(&image, kImageBounds, 4, bounds);
  many<int, set_int>(&image, kImageRegionOfDefinition, 4, bounds);
  set_int(&image, kImageRowBytes, 0, pixels.rowBytes);
  set_string(&image, kImageDepth, 0, options.depth == "half" ? kDepthHalf : kDepthFloat);
  set_string(&image, kImageComponents, 0, kComponentRgba);
}

Pixels empty_pixels(const Options& options, unsigned char fill) {
  Pixels pixels;
  pixels.rowBytes = options.width * (options.depth == "half" ? 8 : 16) + options.padding;
  pixels.bytes.assign(size_t(pixels.rowBytes) * size_t(options.height), fill);
  return pixels;
}

Pixels read_pixels(const Options& options) {
  Pixels pixels = empty_pixels(options, 0xAB);
  std::ifstream file(options.in, std::ios::binary);
  const std::streamsize row = pixels.rowBytes - options.padding;
  for (int y = options.height - 1; y >= 0; --y)
    if (!file.read(reinterpret_cast<char*>(pixels.bytes.data()) + size_t(y) * size_t(pixels.rowBytes), row))
      give_up("the file " + options.in + " is missing or too short");
  return pixels;
}

void write_pixels(const Options& options, const Pixels& pixels) {
  std::ofstream file(options.out, std::ios::binary);
  const std::streamsize row = pixels.rowBytes - options.padding;
  for (int y = options.height - 1; y >= 0; --y)
    file.write(reinterpret_cast<const char*>(pixels.bytes.data()) + size_t(y) * size_t(pixels.rowBytes), row);
  if (!file) give_up("the file " + options.out + " cannot be written");
}

// One plug-in with its host.
struct Session {
  Plugin* plugin = nullptr;
  Host host{};
  PropertySetStruct about;

  Status act(const char* action, ImageEffectStruct* effect, PropertySetHandle in = nullptr, PropertySetHandle out = nullptr) {
    return plugin->mainEntry(action, effect, in, out);
  }

  void need(Status status, const char* action) {
    if (status != kOk && status != kReplyDefault) give_up(std::string(action) + " returned " + std::to_string(status));
  }
};

void load(Session& session, const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) give_up(::dlerror());
  const auto count = reinterpret_cast<int (*)()>(::dlsym(library, "OfxGetNumberOfPlugins"));
  const auto nth = reinterpret_cast<Plugin* (*)(int)>(::dlsym(library, "OfxGetPlugin"));
  if (!count || !nth || count() < 1) give_up("the file holds no OpenFX plug-in");
  session.plugin = nth(0);
  if (std::strcmp(session.plugin->api, kImageEffectApi) != 0 || session.plugin->apiVersion != kImageEffectApiVersion)
    give_up("the plug-in is for another API");
  session.host = {&session.about, fetch_suite};
  session.plugin->setHost(&session.host);
}

// Returns the described effect: what a node of it looks like.
void describe(Session& session, ImageEffectStruct& effect) {
  session.need(session.act(kActionLoad, nullptr), kActionLoad);
  session.need(session.act(kActionDescribe, &effect), kActionDescribe);
  PropertySetStruct in;
  set_string(&in, kPropContext, 0, kContextFilter);
  session.need(session.act(kActionDescribeInContext, &effect, &in), kActionDescribeInContext);
  for (const char* clip : {kClipSource, kClipOutput})
    if (!effect.clips.count(clip)) fault(std::string("a filter must define the clip ") + clip);
}

void print_description(ImageEffectStruct& effect) {
  for (auto& [name, param] : effect.params.params) {
    std::string* label = nullptr;
    get(&param.about, kPropLabel, 0, &label);
    std::printf("%s\t%s\t%s\n", name.c_str(), param.type.c_str(), label ? label->c_str() : "");
  }
}

Status render(Session& session, ImageEffectStruct& effect, const Options& options) {
  PropertySetStruct in, out;
  const double scale[2] = {1.0, 1.0};
  set_double(&in, kPropTime, 0, options.frame);
  set_string(&in, kPropFieldToRender, 0, kFieldNone);
  many<int, set_int>(&in, kPropRenderWindow, 4, &options.window.x1);
  many<double, set_double>(&in, kPropRenderScale, 2, scale);
  set_int(&in, kPropIsInteractive, 0, 1);
  if (session.act(kActionIsIdentity, &effect, &in, &out) == kOk) {
    std::printf("identity\n");
    return kOk;
  }
  session.need(session.act(kActionBeginSequence, &effect, &in), kActionBeginSequence);
  const auto begun = std::chrono::steady_clock::now();
  const Status status = session.act(kActionRender, &effect, &in);
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - begun;
  session.need(session.act(kActionEndSequence, &effect, &in), kActionEndSequence);
  if (lent != 0) fault("images were not given back");
  std::printf("%.2f\n", spent.count());
  return status;
}

// Returns the worst status of all the turns.
Status render_all(Session& session, ImageEffectStruct& effect, const Options& options) {
  Status status = kOk;
  for (int turn = 0; turn < options.turns && status == kOk; ++turn) status = render(session, effect, options);
  const size_t equals = options.tweak.find('=');
  if (equals == std::string::npos) return status;
  const auto param = effect.params.params.find(options.tweak.substr(0, equals));
  if (param == effect.params.params.end()) give_up("no parameter of that name: " + options.tweak);
  std::stringstream values(options.tweak.substr(equals + 1));
  for (std::string value; status == kOk && std::getline(values, value, ',');) {
    set_value(param->second, &value);
    status = render(session, effect, options);
  }
  return status;
}

int run(const Options& options) {
  Session session;
  load(session, options.plugin);
  ImageEffectStruct effect;
  describe(session, effect);
  if (options.describe) {
    print_description(effect);
    return session.act(kActionUnload, nullptr), faults ? 2 : 0;
  }
  for (auto& [name, param] : effect.params.params) set_value(param, nullptr);
  for (const auto& [name, value] : options.values) {
    const auto param = effect.params.params.find(name);
    if (param == effect.params.params.end()) give_up("no parameter of that name: " + name);
    set_value(param->second, &value);
  }
  Pixels source = read_pixels(options), output = empty_pixels(options, 0);
  describe_image(effect.images[kClipSource], source, options);
  describe_image(effect.images[kClipOutput], output, options);
  effect.abort = options.abort;
  const std::vector<unsigned char> before = source.bytes;
  session.need(session.act(kActionCreateInstance, &effect), kActionCreateInstance);
  const Status status = render_all(session, effect, options);
  if (source.bytes != before) fault("the source's pixels were changed");
  session.need(session.act(kActionDestroyInstance, &effect), kActionDestroyInstance);
  session.need(session.act(kActionUnload, nullptr), kActionUnload);
  write_pixels(options, output);
  return faults ? 2 : status == kOk ? 0 : 1;
}

}  // namespace

int main(int count, char** words) { return run(read_options(count, words)); }
