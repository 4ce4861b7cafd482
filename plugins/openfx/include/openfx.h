// SPDX-License-Identifier: Apache-2.0
//
// The part of the OpenFX C API, version 1.4, that the spike uses: names, values, and the layout of structs as the published
// standard states them (see README.md). A plug-in and a host agree on nothing else.
#ifndef FACEPLATE_OPENFX_H
#define FACEPLATE_OPENFX_H

#include <cstddef>

#if defined(_WIN32)
#define FACEPLATE_EXPORT extern "C" __declspec(dllexport)
#else
#define FACEPLATE_EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace ofx {

// Basic types ------------------------------------------------------------------------------------------------------------

using Status = int;
using Time = double;

constexpr Status kOk = 0;
constexpr Status kFailed = 1;
constexpr Status kErrFatal = 2;
constexpr Status kErrUnknown = 3;
constexpr Status kErrMissingHostFeature = 4;
constexpr Status kErrUnsupported = 5;
constexpr Status kErrExists = 6;
constexpr Status kErrFormat = 7;
constexpr Status kErrMemory = 8;
constexpr Status kErrBadHandle = 9;
constexpr Status kErrBadIndex = 10;
constexpr Status kErrValue = 11;
constexpr Status kReplyYes = 12;
constexpr Status kReplyNo = 13;
constexpr Status kReplyDefault = 14;

struct PropertySetStruct;
struct ImageEffectStruct;
struct ImageClipStruct;
struct ImageMemoryStruct;
struct ParamStruct;
struct ParamSetStruct;
struct Mutex;

using PropertySetHandle = PropertySetStruct*;
using ImageEffectHandle = ImageEffectStruct*;
using ImageClipHandle = ImageClipStruct*;
using ImageMemoryHandle = ImageMemoryStruct*;
using ParamHandle = ParamStruct*;
using ParamSetHandle = ParamSetStruct*;
using MutexHandle = Mutex*;

struct RectI {
  int x1, y1, x2, y2;
};
struct RectD {
  double x1, y1, x2, y2;
};
struct RangeD {
  double min, max;
};

struct Host {
  PropertySetHandle host;
  const void* (*fetchSuite)(PropertySetHandle host, const char* name, int version);
};

using EntryPoint = Status(const char* action, const void* handle, PropertySetHandle in, PropertySetHandle out);

struct Plugin {
  const char* api;
  int apiVersion;
  const char* identifier;
  unsigned int versionMajor;
  unsigned int versionMinor;
  void (*setHost)(Host* host);
  EntryPoint* mainEntry;
};

// Suites: the order of the functions is the standard's ---------------------------------------------------------------------

struct PropertySuiteV1 {
  Status (*setPointer)(PropertySetHandle, const char* name, int index, void* value);
  Status (*setString)(PropertySetHandle, const char* name, int index, const char* value);
  Status (*setDouble)(PropertySetHandle, const char* name, int index, double value);
  Status (*setInt)(PropertySetHandle, const char* name, int index, int value);
  Status (*setPointerN)(PropertySetHandle, const char* name, int count, void* const* value);
  Status (*setStringN)(PropertySetHandle, const char* name, int count, const char* const* value);
  Status (*setDoubleN)(PropertySetHandle, const char* name, int count, const double* value);
  Status (*setIntN)(PropertySetHandle, const char* name, int count, const int* value);
  Status (*getPointer)(PropertySetHandle, const char* name, int index, void** value);
  Status (*getString)(PropertySetHandle, const char* name, int index, char** value);
  Status (*getDouble)(PropertySetHandle, const char* name, int index, double* value);
  Status (*getInt)(PropertySetHandle, const char* name, int index, int* value);
  Status (*getPointerN)(PropertySetHandle, const char* name, int count, void** value);
  Status (*getStringN)(PropertySetHandle, const char* name, int count, char** value);
  Status (*getDoubleN)(PropertySetHandle, const char* name, int count, double* value);
  Status (*getIntN)(PropertySetHandle, const char* name, int count, int* value);
  Status (*reset)(PropertySetHandle, const char* name);
  Status (*getDimension)(PropertySetHandle, const char* name, int* count);
};

struct ImageEffectSuiteV1 {
  Status (*getPropertySet)(ImageEffectHandle, PropertySetHandle*);
  Status (*getParamSet)(ImageEffectHandle, ParamSetHandle*);
  Status (*clipDefine)(ImageEffectHandle, const char* name, PropertySetHandle*);
  Status (*clipGetHandle)(ImageEffectHandle, const char* name, ImageClipHandle*, PropertySetHandle*);
  Status (*clipGetPropertySet)(ImageClipHandle, PropertySetHandle*);
  Status (*clipGetImage)(ImageClipHandle, Time, const RectD* region, PropertySetHandle* image);
  Status (*clipReleaseImage)(PropertySetHandle image);
  Status (*clipGetRegionOfDefinition)(ImageClipHandle, Time, RectD*);
  int (*abort)(ImageEffectHandle);
  Status (*imageMemoryAlloc)(ImageEffectHandle, size_t bytes, ImageMemoryHandle*);
  Status (*imageMemoryFree)(ImageMemoryHandle);
  Status (*imageMemoryLock)(ImageMemoryHandle, void** pointer);
  Status (*imageMemoryUnlock)(ImageMemoryHandle);
};

struct ParameterSuiteV1 {
  Status (*define)(ParamSetHandle, const char* type, const char* name, PropertySetHandle*);
  Status (*getHandle)(ParamSetHandle, const char* name, ParamHandle*, PropertySetHandle*);
  Status (*setGetPropertySet)(ParamSetHandle, PropertySetHandle*);
  Status (*getPropertySet)(ParamHandle, PropertySetHandle*);
  Status (*getValue)(ParamHandle, ...);
  Status (*getValueAtTime)(ParamHandle, Time, ...);
  Status (*getDerivative)(ParamHandle, Time, ...);
  Status (*getIntegral)(ParamHandle, Time, Time, ...);
  Status (*setValue)(ParamHandle, ...);
  Status (*setValueAtTime)(ParamHandle, Time, ...);
  Status (*getNumKeys)(ParamHandle, unsigned int*);
  Status (*getKeyTime)(ParamHandle, unsigned int nth, Time*);
  Status (*getKeyIndex)(ParamHandle, Time, int direction, int* index);
  Status (*deleteKey)(ParamHandle, Time);
  Status (*deleteAllKeys)(ParamHandle);
  Status (*copy)(ParamHandle to, ParamHandle from, Time offset, const RangeD* frames);
  Status (*editBegin)(ParamSetHandle, const char* name);
  Status (*editEnd)(ParamSetHandle);
};

struct MemorySuiteV1 {
  Status (*alloc)(void* handle, size_t bytes, void** data);
  Status (*free)(void* data);
};

using ThreadFunction = void(unsigned int index, unsigned int count, void* argument);

struct MultiThreadSuiteV1 {
  Status (*multiThread)(ThreadFunction*, unsigned int threads, void* argument);
  Status (*numCpus)(unsigned int*);
  Status (*index)(unsigned int*);
  int (*isSpawned)();
  Status (*mutexCreate)(MutexHandle*, int lockCount);
  Status (*mutexDestroy)(MutexHandle);
  Status (*mutexLock)(MutexHandle);
  Status (*mutexUnlock)(MutexHandle);
  Status (*mutexTryLock)(MutexHandle);
};

struct MessageSuiteV1 {
  Status (*message)(void* handle, const char* type, const char* id, const char* format, ...);
};

// Names ------------------------------------------------------------------------------------------------------------------

constexpr const char* kPropertySuite = "OfxPropertySuite";
constexpr const char* kImageEffectSuite = "OfxImageEffectSuite";
constexpr const char* kParameterSuite = "OfxParameterSuite";
constexpr const char* kMemorySuite = "OfxMemorySuite";
constexpr const char* kMultiThreadSuite = "OfxMultiThreadSuite";
constexpr const char* kMessageSuite = "OfxMessageSuite";

constexpr const char* kImageEffectApi = "OfxImageEffectPluginAPI";
constexpr int kImageEffectApiVersion = 1;

constexpr const char* kActionLoad = "OfxActionLoad";
constexpr const char* kActionUnload = "OfxActionUnload";
constexpr const char* kActionDescribe = "OfxActionDescribe";
constexpr const char* kActionCreateInstance = "OfxActionCreateInstance";
constexpr const char* kActionDestroyInstance = "OfxActionDestroyInstance";
constexpr const char* kActionDescribeInContext = "OfxImageEffectActionDescribeInContext";
constexpr const char* kActionIsIdentity = "OfxImageEffectActionIsIdentity";
constexpr const char* kActionBeginSequence = "OfxImageEffectActionBeginSequenceRender";
constexpr const char* kActionRender = "OfxImageEffectActionRender";
constexpr const char* kActionEndSequence = "OfxImageEffectActionEndSequenceRender";

constexpr const char* kContextFilter = "OfxImageEffectContextFilter";
constexpr const char* kComponentRgba = "OfxImageComponentRGBA";
constexpr const char* kDepthHalf = "OfxBitDepthHalf";
constexpr const char* kDepthFloat = "OfxBitDepthFloat";
constexpr const char* kSafetyInstance = "OfxImageEffectRenderInstanceSafe";
constexpr const char* kFieldNone = "OfxFieldNone";

constexpr const char* kClipSource = "Source";
constexpr const char* kClipOutput = "Output";

constexpr const char* kPropType = "OfxPropType";
constexpr const char* kPropName = "OfxPropName";
constexpr const char* kPropLabel = "OfxPropLabel";
constexpr const char* kPropTime = "OfxPropTime";
constexpr const char* kPropInstanceData = "OfxPropInstanceData";
constexpr const char* kPropGrouping = "OfxImageEffectPluginPropGrouping";
constexpr const char* kPropSupportedContexts = "OfxImageEffectPropSupportedContexts";
constexpr const char* kPropSupportedDepths = "OfxImageEffectPropSupportedPixelDepths";
constexpr const char* kPropSupportedComponents = "OfxImageEffectPropSupportedComponents";
constexpr const char* kPropSupportsTiles = "OfxImageEffectPropSupportsTiles";
constexpr const char* kPropRenderSafety = "OfxImageEffectPluginRenderThreadSafety";
constexpr const char* kPropContext = "OfxImageEffectPropContext";
constexpr const char* kPropRenderScale = "OfxImageEffectPropRenderScale";
constexpr const char* kPropRenderWindow = "OfxImageEffectPropRenderWindow";
constexpr const char* kPropFieldToRender = "OfxImageEffectPropFieldToRender";
constexpr const char* kPropFrameRange = "OfxImageEffectPropFrameRange";
constexpr const char* kPropFrameStep = "OfxImageEffectPropFrameStep";
constexpr const char* kPropIsInteractive = "OfxPropIsInteractive";

constexpr const char* kImageData = "OfxImagePropData";
constexpr const char* kImageBounds = "OfxImagePropBounds";
constexpr const char* kImageRegionOfDefinition = "OfxImagePropRegionOfDefinition";
constexpr const char* kImageRowBytes = "OfxImagePropRowBytes";
constexpr const char* kImageDepth = "OfxImageEffectPropPixelDepth";
constexpr const char* kImageComponents = "OfxImageEffectPropComponents";

constexpr const char* kParamDouble = "OfxParamTypeDouble";
constexpr const char* kParamString = "OfxParamTypeString";
constexpr const char* kParamChoice = "OfxParamTypeChoice";
constexpr const char* kParamDefault = "OfxParamPropDefault";
constexpr const char* kParamHint = "OfxParamPropHint";
constexpr const char* kParamMin = "OfxParamPropMin";
constexpr const char* kParamMax = "OfxParamPropMax";
constexpr const char* kParamDisplayMin = "OfxParamPropDisplayMin";
constexpr const char* kParamDisplayMax = "OfxParamPropDisplayMax";
constexpr const char* kParamChoiceOption = "OfxParamPropChoiceOption";
constexpr const char* kParamStringMode = "OfxParamPropStringMode";
constexpr const char* kStringIsFilePath = "OfxParamStringIsFilePath";
constexpr const char* kParamAnimates = "OfxParamPropAnimates";
constexpr const char* kParamEvaluateOnChange = "OfxParamPropEvaluateOnChange";
constexpr const char* kParamPersistent = "OfxParamPropPersistant";  // the standard's spelling
constexpr const char* kParamSecret = "OfxParamPropSecret";

constexpr const char* kMessageError = "OfxMessageError";

}  // namespace ofx

#endif
