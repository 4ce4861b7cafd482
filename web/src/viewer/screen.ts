/** Draws pictures on a canvas with WebGL2. It knows textures and uniforms; what is shown is the caller's choice. */
import type { DisplayShader, Rect, ShaderTexture } from "../engine/types";
import type { Picture } from "../engine/pictures";
import { makeProgram } from "./program";

/** The order is that of the shader's `mode`. */
export const COMPARISONS = ["a", "b", "wipe", "side", "difference"] as const;
export type Comparison = (typeof COMPARISONS)[number];
export const CHANNELS = ["RGB", "R", "G", "B", "A", "Luminance"] as const;
export type Channel = (typeof CHANNELS)[number];

/** One side of a comparison: a picture, and one that replaces its pixels on a part of it. */
export interface Slot {
  base: Picture | null;
  patch: Picture | null;
  /** Show the values as they are, not through the display's transform. */
  data: boolean;
}

export interface Look {
  a: Slot;
  b: Slot;
  comparison: Comparison;
  channel: Channel;
  /** Plate pixel in the middle of a pane, y down. */
  center: [number, number];
  /** Device pixels for one plate pixel in y. */
  zoom: number;
  pixelAspect: number;
  wipe: number;
  /** In stops. */
  exposure: number;
  gamma: number;
}

/** How a look is drawn. */
export interface Finish {
  /** Device pixels that one drawn pixel covers in each direction: 1 draws as fine as the canvas is. */
  grain: number;
  /** Left, top, width and height of the part to draw, in device pixels; the rest stays. Not with a grain above 1. */
  part: Rect | null;
}

interface Texture {
  texture: WebGLTexture;
  picture: Picture | null;
}

const UNITS = ["baseA", "patchA", "baseB", "patchB"] as const;

export class Screen {
  private readonly gl: WebGL2RenderingContext;
  private program: WebGLProgram;
  private display: DisplayShader | null = null;
  private readonly places = new Map<string, WebGLUniformLocation | null>();
  private readonly pictures: Texture[];
  private tables: { texture: WebGLTexture; target: number; sampler: string }[] = [];
  private small: { buffer: WebGLFramebuffer; width: number; height: number } | null = null;

  constructor(private readonly canvas: HTMLCanvasElement) {
    // Kept after drawing, so that a picture of the page shows the plate and a test can read the pixels.
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, preserveDrawingBuffer: true });
    if (!gl) throw new Error("This browser has no WebGL2, which the viewer needs.");
    this.gl = gl;
    gl.getExtension("OES_texture_float_linear");
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.program = makeProgram(gl, null);
    this.pictures = UNITS.map(() => ({ texture: gl.createTexture(), picture: null }));
  }

  /** Show through this display and view from now on. */
  setDisplay(display: DisplayShader | null): void {
    const program = makeProgram(this.gl, display);
    this.gl.deleteProgram(this.program);
    this.program = program;
    this.display = display;
    this.places.clear();
    for (const table of this.tables) this.gl.deleteTexture(table.texture);
    this.tables = (display?.textures ?? []).map((table) => this.makeTable(table));
  }

  draw(look: Look, { grain, part }: Finish): void {
    const gl = this.gl;
    const { width, height } = this.canvas;
    if (grain > 1) {
      const small = this.reduced(Math.ceil(width / grain), Math.ceil(height / grain));
      this.render(look, grain, [small.width, small.height]);
      gl.bindFramebuffer(gl.READ_FRAMEBUFFER, small.buffer);
      gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, null);
      const [w, h] = [small.width, small.height];
      gl.blitFramebuffer(0, 0, w, h, 0, height - h * grain, w * grain, height, gl.COLOR_BUFFER_BIT, gl.LINEAR);
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
      return;
    }
    if (part) {
      gl.enable(gl.SCISSOR_TEST);
      gl.scissor(part[0], height - part[1] - part[3], part[2], part[3]);
    }
    this.render(look, 1, [width, height]);
    gl.disable(gl.SCISSOR_TEST);
  }

  /** Call `done` with the milliseconds until the card has drawn what it was told. */
  finished(done: (ms: number) => void): void {
    const gl = this.gl;
    const begun = performance.now();
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    if (!fence) return;
    gl.flush();
    const look = () => {
      if (gl.isContextLost()) return;
      if (gl.getSyncParameter(fence, gl.SYNC_STATUS) !== gl.SIGNALED) return void setTimeout(look, 4);
      gl.deleteSync(fence);
      done(performance.now() - begun);
    };
    setTimeout(look, 4);
  }

  /** Bind a buffer of that size to draw into. */
  private reduced(width: number, height: number): { buffer: WebGLFramebuffer; width: number; height: number } {
    const gl = this.gl;
    if (this.small?.width !== width || this.small.height !== height) {
      if (this.small) gl.deleteFramebuffer(this.small.buffer);
      const pixels = gl.createRenderbuffer();
      gl.bindRenderbuffer(gl.RENDERBUFFER, pixels);
      gl.renderbufferStorage(gl.RENDERBUFFER, gl.RGB8, width, height);
      const buffer = gl.createFramebuffer();
      gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
      gl.framebufferRenderbuffer(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.RENDERBUFFER, pixels);
      gl.deleteRenderbuffer(pixels); // the frame buffer keeps it as long as itself
      this.small = { buffer, width, height };
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.small.buffer);
    return this.small;
  }

  /** Draw into the bound buffer, whose pixels cover `grain` device pixels of the canvas. */
  private render(look: Look, grain: number, [width, height]: [number, number]): void {
    const gl = this.gl;
    gl.viewport(0, 0, width, height);
    gl.useProgram(this.program);
    const zoom = look.zoom / grain;
    this.slot("slotA", 0, look.a, zoom);
    this.slot("slotB", 2, look.b, zoom);
    this.tables.forEach((table, index) => {
      const unit = UNITS.length + index;
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(table.target, table.texture);
      gl.uniform1i(this.place(table.sampler), unit);
    });
    for (const uniform of this.display?.uniforms ?? []) {
      gl.uniform1f(this.place(uniform.name), uniformValue(uniform, look));
    }
    gl.uniform2f(this.place("size"), this.canvas.width / grain, this.canvas.height / grain);
    gl.uniform2f(this.place("center"), ...look.center);
    gl.uniform2f(this.place("zoom"), zoom * look.pixelAspect, zoom);
    gl.uniform1i(this.place("mode"), COMPARISONS.indexOf(look.comparison));
    gl.uniform1i(this.place("channel"), CHANNELS.indexOf(look.channel));
    gl.uniform1f(this.place("wipe"), look.wipe);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  private slot(name: string, unit: number, slot: Slot, zoom: number): void {
    const gl = this.gl;
    this.bind(unit, slot.base, zoom);
    this.bind(unit + 1, slot.patch, zoom);
    gl.uniform1i(this.place(`${name}.has`), slot.base ? 1 : 0);
    gl.uniform1i(this.place(`${name}.hasPatch`), slot.patch ? 1 : 0);
    gl.uniform4f(this.place(`${name}.rect`), ...plateRect(slot.base));
    gl.uniform4f(this.place(`${name}.patchRect`), ...plateRect(slot.patch));
    gl.uniform1i(this.place(`${name}.channels`), slot.base?.header.channels ?? slot.patch?.header.channels ?? 4);
    gl.uniform1i(this.place(`${name}.data`), slot.data ? 1 : 0);
  }

  private bind(unit: number, picture: Picture | null, zoom: number): void {
    const gl = this.gl;
    const kept = this.pictures[unit]!;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, kept.texture);
    gl.uniform1i(this.place(UNITS[unit]!), unit);
    if (picture && kept.picture !== picture) {
      upload(gl, picture);
      kept.picture = picture;
    }
    // Enlarged pixels are shown as squares, so that an artist sees the pixels of the file.
    const smooth = picture !== null && zoom * picture.header.proxy < 1;
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, smooth ? gl.LINEAR : gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  }

  private makeTable(table: ShaderTexture): { texture: WebGLTexture; target: number; sampler: string } {
    const gl = this.gl;
    const target = table.dimensions === 3 ? gl.TEXTURE_3D : gl.TEXTURE_2D;
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0 + UNITS.length);
    gl.bindTexture(target, texture);
    const format = table.channels === 1 ? gl.RED : gl.RGB;
    const floats = gl.getExtension("OES_texture_float_linear") !== null;
    const [half, full] = table.channels === 1 ? [gl.R16F, gl.R32F] : [gl.RGB16F, gl.RGB32F];
    const inside = floats ? full : half;
    const values = floatsOf(table.data);
    if (table.dimensions === 3) {
      const { width, height, depth } = table;
      gl.texImage3D(target, 0, inside, width, height, depth ?? width, 0, format, gl.FLOAT, values);
      gl.texParameteri(target, gl.TEXTURE_WRAP_R, gl.CLAMP_TO_EDGE);
    } else {
      gl.texImage2D(target, 0, inside, table.width, table.height, 0, format, gl.FLOAT, values);
    }
    const filter = table.interpolation === "nearest" ? gl.NEAREST : gl.LINEAR;
    gl.texParameteri(target, gl.TEXTURE_MIN_FILTER, filter);
    gl.texParameteri(target, gl.TEXTURE_MAG_FILTER, filter);
    gl.texParameteri(target, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(target, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return { texture, target, sampler: table.sampler };
  }

  private place(name: string): WebGLUniformLocation | null {
    let found = this.places.get(name);
    if (found === undefined) {
      found = this.gl.getUniformLocation(this.program, name);
      this.places.set(name, found);
    }
    return found;
  }
}

function uniformValue(uniform: { role: string; default: number }, look: Look): number {
  if (uniform.role === "exposure") return look.exposure;
  // The slider is a viewer's gamma, OCIO's value the exponent.
  return uniform.role === "gamma" ? 1 / look.gamma : uniform.default;
}

function upload(gl: WebGL2RenderingContext, picture: Picture): void {
  const { width, height, channels } = picture.header;
  const [inside, format] = channels === 1 ? [gl.R16F, gl.RED] : [gl.RGBA16F, gl.RGBA];
  gl.texImage2D(gl.TEXTURE_2D, 0, inside, width, height, 0, format, gl.HALF_FLOAT, picture.pixels);
}

/** The place of a picture's pixels in full plate pixels. */
function plateRect(picture: Picture | null): Rect {
  if (!picture) return [0, 0, 1, 1];
  const { data, proxy, width, height } = picture.header;
  return [data[0] * proxy, data[1] * proxy, width * proxy, height * proxy];
}

function floatsOf(text: string): Float32Array {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}
