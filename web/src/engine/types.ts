/** What the routes of the engine answer. docs/workspace.md and /docs of a running engine describe them. */

export interface ErrorEntry {
  code: string;
  message: string;
}

export type ParameterValue = number | boolean | string | string[] | null;
export type Key = [frame: number, value: ParameterValue, interpolation: string];

export interface Parameter {
  name: string;
  type: "float" | "int" | "bool" | "choice" | "string" | "path" | "list" | string;
  default: ParameterValue;
  minimum: number | null;
  maximum: number | null;
  choices: string[];
  label: string;
  help: string;
  group: string;
  unit?: string;
  animatable: boolean;
}

export interface ParameterState {
  set: ParameterValue | { keys: Key[] };
  where: string;
}

export interface Space {
  name: string;
  reason: string;
  assumed: boolean;
}

export interface Take {
  take: number;
  made: string;
  output: string;
  frames: string;
  note: string;
}

export interface Shot {
  path: string;
  etag: string;
  document: Record<string, unknown>;
  writable: boolean;
  name: string;
  faces: string[];
  frames: string;
  first: number;
  last: number;
  rate: number;
  plate: string;
  width: number | null;
  height: number | null;
  pixel_aspect: number;
  /** Null where no frame of the plate can be read. */
  display: Rect | null;
  data: Rect | null;
  space: Space | null;
  source: string | null;
  track: string | null;
  tracked: boolean;
  output: string;
  mode: string;
  purpose: string;
  release: { state: string; text: string; slate: string } | null;
  parameters: Record<string, ParameterState>;
  takes: Take[];
  warnings: string[];
  error: ErrorEntry | null;
  undo?: Edit[];
}

export type Rect = [x: number, y: number, width: number, height: number];
export type Edit = { do: string } & Record<string, unknown>;

export interface PictureHeader {
  width: number;
  height: number;
  channels: number;
  data: Rect;
  display: Rect;
  proxy: number;
  pixel_aspect: number;
  space: string | null;
  frame: number;
  show: string;
  from: string;
  state: string;
  key: string | null;
  ms: Record<string, number>;
  notes: string[];
}

export type FrameState = "rendered" | "stale" | "failed" | "missing" | "plate-missing";

export interface Frames {
  /** Of the shot file that this is the timeline of. */
  etag: string;
  frames: string;
  rate: number;
  states: Record<string, FrameState>;
  errors: Record<string, ErrorEntry>;
  cuts: number[];
  keys: Record<string, number[]>;
  issues: Record<string, string[]>;
  notes: number[];
  output: string;
}

export interface ColorChoices {
  config: string;
  space: string;
  displays: { name: string; views: string[] }[];
  default: { display: string; view: string };
}

export interface DisplayShader {
  cache_id: string;
  function: string;
  shader: string;
  uniforms: { name: string; role: string; type: string; default: number }[];
  textures: ShaderTexture[];
}

export interface ShaderTexture {
  sampler: string;
  dimensions: number;
  width: number;
  height: number;
  depth?: number;
  channels: number;
  interpolation: string;
  data: string;
}

export interface Topology {
  triangles: [number, number, number][];
  contours: Record<string, number[]>;
  regions: string[];
  region_points: Record<string, number[]>;
}

export interface Person {
  id: string;
  name: string;
  number: number;
  first: number | null;
  last: number | null;
  frames: number;
}

export interface Plots {
  frames: number[];
  box: Rect[];
  confidence: number[];
  yaw: number[];
  pitch: number[];
  roll: number[];
  weight: number[];
  bad: boolean[];
  seen: boolean[];
  sharpness: (number | null)[];
  level: (number | null)[];
}

export interface Track {
  path: string;
  etag: string;
  people: Person[];
  chosen: string | null;
  cuts: number[];
  plots: Record<string, Plots>;
  grain: { frames: number[]; strength: (number | null)[] };
  views: { names: string[]; lane: { first: number; last: number; view: string; pinned: boolean }[] };
  corrections: Record<string, unknown> & { drags?: { person: string; region: string; frame: number; move: number[] }[] };
}

export interface Mesh {
  points: [number, number, number][];
  box: Rect;
  confidence: number;
}

export type JobState = "waiting" | "running" | "done" | "failed" | "cancelled" | "superseded";

export interface Job {
  job: string;
  /** Of two answers about one job, the one of the higher revision is newer. */
  revision: number;
  kind: string;
  label: string;
  shot: string | null;
  state: JobState;
  done: number;
  total: number;
  fps: number | null;
  left_s: number | null;
  started: string | null;
  error: ErrorEntry | null;
  result: Record<string, unknown> | null;
  priority: string;
  own: boolean;
  retry: boolean;
}

export interface FrameEvent {
  job: string;
  shot: string | null;
  frame: number;
  state: "running" | "done" | "failed" | "skipped";
  error: ErrorEntry | null;
}

export interface FileEvent {
  what: "shot" | "track" | "notes" | "source" | "frames";
  path: string;
  etag: string;
}

export interface Source {
  path: string;
  kind: string;
  name: string;
  writable: boolean;
  pictures: {
    name: string;
    width?: number;
    height?: number;
    used: boolean;
    why: string;
    turn: [number, number] | null;
    /** The names of its views that have maps. */
    maps: string[];
  }[];
  missing: string[];
  release: { state: string; text: string } | null;
  error?: ErrorEntry | null;
}

export interface Issue {
  kind: string;
  face: string;
  first: number;
  last: number;
  severity: string;
  text: string;
}

export interface Note {
  id: string;
  frame: number | null;
  text: string;
  author: string;
  made: string;
  done: boolean;
  take: number | null;
}

export interface Notes {
  path: string;
  etag: string;
  notes: Note[];
  approval: null | { name: string; made: string; take: number | null; comment: string; state: "approved" | "changes" };
}

export interface Home {
  engine: string;
  roots: string[];
  start: string;
  recent: { path: string; name: string; opened: string }[];
  demo: string | null;
}

export interface Folder {
  folder: string;
  parent: string | null;
  folders: string[];
  models: string[];
  shots: string[];
  sequences: { pattern: string; name: string; frames: string; count: number; kind: string }[];
  pictures: number;
}

export interface PlateFacts {
  pattern: string;
  frames: string;
  width: number;
  height: number;
  rate: string | null;
  space: Space | null;
  spaces: { name: string; family: string; description: string }[];
  config: string;
}
