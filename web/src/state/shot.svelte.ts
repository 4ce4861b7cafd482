/** The shot that is open: its file, its parameters, edits with undo and redo. */
import { get, isCode, send } from "../engine/client";
import type { Edit, Key, Parameter, ParameterState, ParameterValue, Rect, Shot } from "../engine/types";
import { messages } from "./messages.svelte";

interface Step {
  redo: Edit[];
  undo: Edit[];
  label: string;
}

/** A shot that cannot be opened answers its document and the reason alone. */
function complete(answer: Partial<Shot>): Shot {
  const frames = { first: answer.first ?? 1, last: answer.last ?? answer.first ?? 1 };
  const size: Rect = [0, 0, answer.width ?? 1920, answer.height ?? 1080];
  const name = answer.name ?? answer.path?.split("/").at(-1)?.replace(".shot.json", "");
  const lists = { faces: [], takes: [], warnings: [], parameters: {}, error: null, release: null };
  return { ...lists, pixel_aspect: 1, display: size, data: size, rate: 24, ...answer, ...frames, name } as unknown as Shot;
}

export type Values = Record<string, ParameterValue>;

/** What a shot says of its plate's size. */
const plateOf = ({ width, height, display, data, pixel_aspect }: Shot): Partial<Shot> => ({ width, height, display, data, pixel_aspect });

export class ShotState {
  shot = $state.raw<Shot | null>(null);
  parameters = $state.raw<Parameter[]>([]);
  /** The values of all parameters at `valuesFrame`, as the file gives them. */
  values = $state.raw<Values>({});
  /** Values that a slider holds and that are not in the file yet. */
  pending = $state.raw<Values>({});
  face = $state("");
  undoable = $state.raw<Step[]>([]);
  redoable = $state.raw<Step[]>([]);
  saving = $state(0);
  private queue: Promise<unknown> = Promise.resolve();

  constructor(readonly path: string) {}

  get name(): string {
    return this.shot?.name ?? "";
  }

  /** Read the shot; `quick` leaves what needs its source as it was. */
  async load(quick = false): Promise<void> {
    if (!this.parameters.length) {
      this.parameters = (await get<{ parameters: Parameter[] }>("/v1/parameters")).parameters;
    }
    const shot = complete(await get<Partial<Shot>>("/v1/ui/shot", { shot: this.path, quick: quick || null }));
    const known = this.shot;
    if (known && !shot.display) Object.assign(shot, plateOf(known)); // a damaged plate does not take the view away
    const before = quick ? known : null;
    this.shot = before ? { ...shot, release: before.release, warnings: before.warnings } : shot;
    if (!this.face) this.face = this.shot.faces[0] ?? "";
  }

  async loadValues(frame: number): Promise<void> {
    const answer = await get<{ values: Values }>("/v1/ui/values", { shot: this.path, frame, face: this.face });
    this.values = answer.values;
  }

  value(name: string): ParameterValue {
    return this.pending[name] ?? this.values[name] ?? null;
  }

  /** Where a parameter is set, and to what; a face's own value wins over the shot's. */
  setting(name: string): ParameterState | null {
    const own = this.faceSetting(name);
    return own === undefined ? (this.shot?.parameters[name] ?? null) : { set: own, where: "shot" };
  }

  /** What the chosen face itself sets a parameter to. */
  private faceSetting(name: string): ParameterState["set"] | undefined {
    const faces = this.shot?.document.faces as { name?: string; parameters?: Record<string, ParameterState["set"]> }[] | undefined;
    return this.face ? faces?.find((face) => face.name === this.face)?.parameters?.[name] : undefined;
  }

  keys(name: string): Key[] | null {
    const state = this.setting(name)?.set;
    return state && typeof state === "object" && !Array.isArray(state) ? state.keys : null;
  }

  isSet(name: string): boolean {
    return this.setting(name)?.where === "shot";
  }

  /** Hold a value for the viewer without writing it. */
  hold(name: string, value: ParameterValue): void {
    this.pending = { ...this.pending, [name]: value };
  }

  /** The values that a picture is asked with, beyond those of the file. */
  unsaved(): string {
    const names = Object.keys(this.pending);
    if (!names.length) return "";
    const values = $state.snapshot(this.pending);
    return JSON.stringify(this.shot?.faces.length ? { faces: { [this.face]: values } } : values);
  }

  /** Write one parameter: a key at `frame` where the parameter has keys, else the value of the shot. */
  async setValue(parameter: Parameter, value: ParameterValue, frame: number): Promise<void> {
    const { name, label } = parameter;
    const face = this.face || undefined;
    const keyed = this.keys(name) !== null && value !== null;
    const edit = keyed ? { do: "key", name, frame, value, face } : { do: "set", name, value, face };
    if (value !== null) this.hold(name, value);
    await this.edit([edit], label);
    this.release(name, value);
  }

  /** Let go of a held value that has been written, unless a newer one is held by now. */
  private release(name: string, value: ParameterValue): void {
    if (value !== null && this.pending[name] !== value) return;
    this.pending = Object.fromEntries(Object.entries(this.pending).filter(([other]) => other !== name));
  }

  async addKey(parameter: Parameter, frame: number, value: ParameterValue): Promise<void> {
    const { name, label } = parameter;
    await this.edit([{ do: "key", name, frame, value, face: this.face || undefined }], `key of ${label}`);
  }

  async removeKey(parameter: Parameter, frame: number): Promise<void> {
    const { name, label } = parameter;
    await this.edit([{ do: "unkey", name, frame, face: this.face || undefined }], `key of ${label}`);
  }

  /** Move a key in time with its value and interpolation; a key that is there is replaced. */
  async moveKey({ name, label }: Parameter, from: number, to: number): Promise<void> {
    const key = this.keys(name)?.find(([frame]) => frame === from);
    if (!key || from === to) return;
    const setting = this.setting(name);
    if (setting?.where !== "shot") return messages.say(`The keys of ${label} come from ${setting?.where}; set a key here first.`);
    const face = this.faceSetting(name) === undefined ? undefined : this.face;
    const there = { do: "key", name, frame: to, value: key[1], interpolation: key[2], face };
    await this.edit([there, { do: "unkey", name, frame: from, face }], `key of ${label}, ${from} to ${to}`);
  }

  async edit(edits: Edit[], label: string): Promise<void> {
    await this.inOrder(async () => {
      const undo = await this.write(edits);
      if (!undo) return;
      this.undoable = [...this.undoable.slice(-199), { redo: edits, undo, label }];
      this.redoable = [];
    });
  }

  async undo(): Promise<void> {
    await this.inOrder(async () => {
      const step = this.undoable.at(-1);
      if (!step || !(await this.write(step.undo))) return;
      this.undoable = this.undoable.slice(0, -1);
      this.redoable = [...this.redoable, step];
      messages.say(`Undone: ${step.label}.`);
    });
  }

  async redo(): Promise<void> {
    await this.inOrder(async () => {
      const step = this.redoable.at(-1);
      if (!step || !(await this.write(step.redo))) return;
      this.redoable = this.redoable.slice(0, -1);
      this.undoable = [...this.undoable, step];
      messages.say(`Done again: ${step.label}.`);
    });
  }

  private inOrder(work: () => Promise<void>): Promise<void> {
    const next = this.queue.then(work);
    this.queue = next.catch(() => undefined);
    return next;
  }

  /** Write edits into the shot file and return what undoes them; null, and a message, where that failed. */
  private async write(edits: Edit[]): Promise<Edit[] | null> {
    this.saving += 1;
    try {
      const shot = complete(await this.patched(edits));
      this.shot = shot;
      this.written();
      const frame = this.frameOfValues();
      if (frame !== null) await this.loadValues(frame);
      return shot.undo ?? [];
    } catch (error) {
      if (isCode(error, "engine-lost")) messages.report("The engine does not answer: this change was not kept.");
      else messages.fail(error);
      return null;
    } finally {
      this.saving -= 1;
    }
  }

  /** The frame whose values the panel shows; set by the workspace. */
  frameOfValues: () => number | null = () => null;

  /** Called after the file was written. */
  written: () => void = () => undefined;

  private async patched(edits: Edit[]): Promise<Shot> {
    const patch = (etag: string) => send<Shot>("PATCH", "/v1/ui/shot", { edits }, { shot: this.path }, etag);
    try {
      return await patch(this.shot?.etag ?? "");
    } catch (error) {
      if (!isCode(error, "shot-changed")) throw error;
      messages.say("Another page or a host changed the shot; your change was added to it.");
      const now = await get<Shot>("/v1/ui/shot", { shot: this.path });
      return await patch(now.etag);
    }
  }
}
