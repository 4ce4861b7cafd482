/** The fragment shader: looks up both pictures, compares them, and shows the result through OCIO's own shader. */
import type { DisplayShader } from "../engine/types";

const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0;
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

const HEAD = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp sampler3D;
out vec4 shown;
struct Slot { bool has; bool hasPatch; vec4 rect; vec4 patchRect; int channels; bool data; };
uniform sampler2D baseA, patchA, baseB, patchB;
uniform Slot slotA, slotB;
uniform vec2 size;      // of the canvas, in device pixels
uniform vec2 center;    // plate pixel in the middle of a pane
uniform vec2 zoom;      // device pixels for one plate pixel, x and y
uniform int mode;       // 0 A, 1 B, 2 wipe, 3 side by side, 4 difference
uniform float wipe;     // plate pixel of the wipe's line
uniform int channel;    // 0 RGB, 1 R, 2 G, 3 B, 4 alpha, 5 luminance
const vec4 OUTSIDE = vec4(0.043, 0.047, 0.055, 1.0);
`;

// Alpha is kept apart: an element is shown over black, as premultiplied RGB.
const BODY = `
bool inside(vec4 rect, vec2 at) {
  return all(greaterThanEqual(at, rect.xy)) && all(lessThan(at, rect.xy + rect.zw));
}
bool covers(Slot slot, vec2 at) {
  return (slot.has && inside(slot.rect, at)) || (slot.hasPatch && inside(slot.patchRect, at));
}
vec4 look(Slot slot, sampler2D base, sampler2D patchTexture, vec2 at) {
  if (slot.hasPatch && inside(slot.patchRect, at)) {
    vec4 over = textureLod(patchTexture, (at - slot.patchRect.xy) / slot.patchRect.zw, 0.0);
    if (over.a > 0.0) return over;
  }
  if (!slot.has || !inside(slot.rect, at)) return vec4(0.0);
  vec4 found = textureLod(base, (at - slot.rect.xy) / slot.rect.zw, 0.0);
  return slot.channels == 1 ? vec4(found.rrr, 1.0) : found;
}
vec4 through(vec4 found, bool data) {
  if (channel == 4) return vec4(found.aaa, 1.0);
  if (channel > 0 && channel < 4) found.rgb = vec3(found[channel - 1]);
  if (channel == 5) found.rgb = vec3(dot(found.rgb, vec3(0.2722287, 0.6740818, 0.0536895)));
  if (!data) found = DISPLAY(vec4(found.rgb, 1.0));
  return vec4(found.rgb, 1.0);
}
// The display's transform is called in one place and for covered pixels alone: without a graphics card it is what costs time.
void main() {
  vec2 at = vec2(gl_FragCoord.x, size.y - gl_FragCoord.y);
  vec2 pane = size;
  bool second = mode == 1;
  if (mode == 3) {
    pane.x = floor(size.x / 2.0);
    second = at.x > pane.x;
    if (second) at.x -= pane.x;
  }
  vec2 plate = center + (at - floor(pane / 2.0)) / zoom;
  if (mode == 2) second = plate.x > wipe;
  shown = OUTSIDE;
  if (!(second ? covers(slotB, plate) : covers(slotA, plate))) return;
  vec4 found = vec4(0.0);
  bool data = second ? slotB.data : slotA.data;
  if (second || mode == 4) found = look(slotB, baseB, patchB, plate);
  if (!second) {
    vec4 a = look(slotA, baseA, patchA, plate);
    found = mode == 4 ? abs(a - found) : a;
    if (mode == 4) data = data && slotB.data;
  }
  shown = through(found, data);
}`;

/** Compile the program for one display and view. Raises an Error with the compiler's message. */
export function makeProgram(gl: WebGL2RenderingContext, display: DisplayShader | null): WebGLProgram {
  const call = display ? display.function : "asIs";
  const text = display ? display.shader : "vec4 asIs(vec4 pixel) { return pixel; }";
  const program = gl.createProgram();
  attach(gl, program, gl.VERTEX_SHADER, VERTEX);
  attach(gl, program, gl.FRAGMENT_SHADER, HEAD + text + BODY.replace("DISPLAY", call));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "no log");
  return program;
}

function attach(gl: WebGL2RenderingContext, program: WebGLProgram, kind: number, text: string): void {
  const shader = gl.createShader(kind)!;
  gl.shaderSource(shader, text);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader) ?? "no log");
  gl.attachShader(program, shader);
  gl.deleteShader(shader);
}
