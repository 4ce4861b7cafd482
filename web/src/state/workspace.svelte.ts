/** One open shot with everything that the panels show of it. The engine's events keep it up to date. */
import { get, isCode, sentence } from "../engine/client";
import { PictureCache } from "../engine/pictures";
import type { FileEvent, FrameEvent, Frames, FrameState, Job, Parameter, Rect, Source } from "../engine/types";
import { Ahead } from "../viewer/ahead";
import { Loader, type Wish } from "../viewer/loader.svelte";
import { Jobs } from "./jobs.svelte";
import { messages } from "./messages.svelte";
import { Player, type Stage } from "./player.svelte";
import { Review } from "./review.svelte";
import { session } from "./session.svelte";
import { ShotState } from "./shot.svelte";
import { TrackState, type Candidates } from "./track.svelte";
import { View, type Side } from "./view.svelte";

/** Bytes of pictures that the page keeps: about 190 HD frames at proxy 1/2. */
const CACHE_BYTES = 800 * 1024 * 1024;
/** Playback is smooth at this proxy on two cores. */
const PLAY_PROXY = 2;
/** How many frames are fetched ahead while frames are stepped through, and the largest step that counts as one. */
const STEPS_AHEAD = 3;
const LARGEST_STEP = 10;
/** The timeline is read anew this long after the shot was written, in ms: a slider that follows comes first. */
const TIMELINE_LATER = 250;

const PANELS = ["parameters", "track", "source", "review", "jobs", "wedge"] as const;
export type Panel = (typeof PANELS)[number];

export class Workspace {
  readonly shot: ShotState;
  readonly view: View;
  readonly review: Review;
  readonly track: TrackState;
  readonly jobs = new Jobs();
  readonly cache = new PictureCache(CACHE_BYTES);
  readonly loaders: { a: Loader; b: Loader };
  readonly player: Player;
  frame = $state(0);
  frames = $state.raw<Frames | null>(null);
  layers = $state.raw<string[]>([]);
  source = $state.raw<Source | null>(null);
  panel = $state<Panel>("parameters");
  /** The parameter whose keys the timeline shows. */
  chosen = $state<string>("");
  /** A slider is being moved. */
  dragging = $state(false);
  /** How many times everything is being read anew. */
  private refreshing = $state(0);
  version = $state(0);
  ready = $state(false);
  /** The list of keys is open. */
  help = $state(false);
  /** Counts how often the field for a note was asked for. */
  noteAsked = $state(0);
  private wiped = false;
  private readonly ahead = new Ahead();
  private lookedAt = 0;
  private timelineTimer = 0;
  /** Why the shot cannot be shown, in one sentence. */
  refusal = $state("");

  constructor(readonly path: string) {
    this.shot = new ShotState(path);
    this.view = new View(path);
    this.review = new Review(path);
    this.track = new TrackState(path);
    const tab = Math.random().toString(36).slice(2, 10);
    this.loaders = { a: new Loader(this.cache, `${tab}a`), b: new Loader(this.cache, `${tab}b`) };
    this.player = new Player(
      () => this.stage(),
      (frame) => (this.frame = frame),
    );
    this.shot.frameOfValues = () => this.frame;
    this.shot.written = () => this.loadFramesLater();
  }

  async open(): Promise<void> {
    try {
      await this.shot.load(true);
      const shot = this.shot.shot!;
      if (this.frame < shot.first || this.frame > shot.last) this.frame = shot.first;
      this.ready = true;
      await this.refresh();
      if (this.view.fitted) this.fit();
      if (shot.display) this.view.wipe = shot.display[0] + shot.display[2] / 2;
    } catch (error) {
      this.refusal = sentence(error);
    }
  }

  /** Read everything anew, after a change or when the engine came back. */
  async refresh(): Promise<void> {
    this.refreshing += 1;
    try {
      await this.readAnew();
    } finally {
      this.refreshing -= 1;
    }
  }

  /** Whether nothing is on its way that would change what the viewer shows. */
  get settled(): boolean {
    const { shot } = this;
    const known = shot.shot !== null && this.frames?.etag === shot.shot.etag;
    const busy = this.refreshing > 0 || shot.saving > 0 || this.dragging || shot.unsaved() !== "";
    return known && !busy && this.sides().every((side) => !this.loaders[side].loading);
  }

  private async readAnew(): Promise<void> {
    this.version += 1;
    // What the viewer needs comes first: a browser sends six requests at a time, and opening the source may take seconds.
    await this.together([
      this.view.loadColor(),
      this.shot.load(true).then(() => this.shot.loadValues(this.frame)),
      this.loadFrames(),
      get<{ live: string[]; file: string[] }>("/v1/ui/layers", { shot: this.path }).then(
        ({ live, file }) => (this.layers = [...new Set([...live, ...file])]),
      ),
    ]);
    await this.together([this.shot.load(), this.track.load(this.shot.face), this.review.load(), this.loadSource()]);
  }

  /** Wait for all, and say what failed first; that the engine does not answer is said by the page's banner. */
  private async together(parts: Promise<unknown>[]): Promise<void> {
    const failed = (await Promise.allSettled(parts)).find((part) => part.status === "rejected");
    if (failed?.status === "rejected" && !isCode(failed.reason, "engine-lost")) messages.fail(failed.reason);
  }

  listen(): () => void {
    return session.listen(this.path, (name, data) => this.event(name, data));
  }

  state(frame: number): FrameState {
    return this.frames?.states[String(frame)] ?? "missing";
  }

  go(frame: number): void {
    const shot = this.shot.shot;
    if (!shot) return;
    this.player.stop();
    this.frame = Math.min(Math.max(Math.round(frame), shot.first), shot.last);
  }

  async submit(body: Record<string, unknown>): Promise<Job | null> {
    try {
      return await this.jobs.submit(body, this.path);
    } catch (error) {
      messages.fail(error);
      return null;
    }
  }

  fit(): void {
    const shot = this.shot.shot;
    if (shot?.display) this.view.fit(shot.display, shot.pixel_aspect);
  }

  compare(mode: View["comparison"]): void {
    const { view } = this;
    const panes = (view.comparison === "side") !== (mode === "side");
    view.comparison = mode;
    if (mode === "wipe" && !this.wiped) this.wipeOverFace();
    if (panes && view.fitted) this.fit();
  }

  /** The first wipe goes through the face, where there is something to compare. */
  private wipeOverFace(): void {
    const box = this.faceBox();
    if (!box) return;
    this.view.wipe = box[0] + box[2] / 2;
    this.wiped = true;
  }

  /** The chosen face's box on this frame, in plate pixels. */
  private faceBox(): Rect | undefined {
    const plots = this.track.track?.plots[this.track.person];
    return plots?.box[plots.frames.indexOf(this.frame)];
  }

  /** Show the face, by the track's box on this frame. */
  zoomToFace(): void {
    const aspect = this.shot.shot?.pixel_aspect ?? 1;
    const box = this.faceBox();
    if (box) this.view.place(box, aspect, 1.6);
    else messages.say("There is no tracked face on this frame to zoom to.");
  }

  /** Search the faces of this frame, so that one can be chosen by clicking it. */
  async findFaces(): Promise<void> {
    const frame = this.frame;
    const job = await this.submit({ kind: "faces", frame });
    if (!job) return;
    const done = await this.jobs.ended(job);
    if (!done.result) return;
    const faces = done.result.faces as Candidates["faces"];
    this.track.candidates = { frame, faces };
    messages.say(faces.length ? `${faces.length} faces on frame ${frame}: click the one to replace.` : `No face on frame ${frame}.`);
  }

  /** Replace the face at a plate position of this frame. */
  async chooseFace([x, y]: [number, number]): Promise<void> {
    const value = `${this.frame}:${Math.round(x)},${Math.round(y)}`;
    this.track.candidates = null;
    await this.shot.edit([{ do: "set", name: "target", value, face: this.shot.face || undefined }], "Target");
    await this.track.load(this.shot.face).catch((error) => messages.fail(error));
  }

  stepIssue(direction: 1 | -1): void {
    const frame = this.review.step(this.frame, direction);
    if (frame === null) messages.say(direction > 0 ? "No issue or note after this frame." : "No issue or note before this frame.");
    else this.go(frame);
    this.panel = "review";
  }

  writeNote(): void {
    this.panel = "review";
    this.noteAsked += 1;
  }

  async undo(): Promise<void> {
    if (this.panel === "track" && this.track.undoable.length) await this.track.undo(this.shot.face);
    else await this.shot.undo();
  }

  async redo(): Promise<void> {
    if (this.panel === "track" && this.track.redoable.length) await this.track.redo(this.shot.face);
    else await this.shot.redo();
  }

  /** The frames with a key of the parameter that was touched last. */
  get keyFrames(): number[] {
    return this.shot.keys(this.chosen)?.map(([frame]) => frame) ?? [];
  }

  /** Move a key of that parameter to another frame, over a key that is there. */
  async moveKey(from: number, to: number): Promise<void> {
    const [parameter, shot] = [this.parameter(this.chosen), this.shot.shot];
    if (!parameter || !shot || to < shot.first || to > shot.last) return;
    await this.shot.moveKey(parameter, from, to).catch((error) => messages.fail(error));
  }

  /** Move the key on this frame, and go with it. */
  async nudgeKey(by: number): Promise<void> {
    const [from, to] = [this.frame, this.frame + by];
    if (!this.keyFrames.includes(from)) return messages.say("There is no key of the chosen parameter on this frame.");
    await this.moveKey(from, to);
    if (this.keyFrames.includes(to)) this.go(to);
  }

  /** Go to the next or previous key of the parameter that was touched last. */
  stepKey(direction: 1 | -1): void {
    const beyond = this.keyFrames.filter((frame) => (frame - this.frame) * direction > 0);
    if (beyond.length) this.go(direction > 0 ? Math.min(...beyond) : Math.max(...beyond));
    else messages.say(direction > 0 ? "No key after this frame." : "No key before this frame.");
  }

  parameter(name: string): Parameter | undefined {
    return this.shot.parameters.find((other) => other.name === name);
  }

  /** What one side of the viewer wants to show now. */
  wish(side: Side, playing = false, frame = this.frame): Wish {
    const written = side.take !== null || playing;
    const data = side.show !== "result";
    // Until the timeline is that of the file, the engine itself finds out whether a frame is up to date.
    const unknown = this.frames?.etag !== this.shot.shot?.etag;
    const rendered = this.state(frame) === "rendered" && !unknown && !this.shot.unsaved();
    return {
      shot: this.path,
      face: this.shot.face,
      frame,
      show: this.canShow(side, frame) ? side.show : "plate",
      take: side.take,
      from: written || (rendered && !data) ? "file" : data || (unknown && !this.shot.unsaved()) ? "auto" : "live",
      values: written ? "" : this.shot.unsaved(),
      proxy: playing ? PLAY_PROXY : this.view.proxy(),
      version: `${this.shot.shot?.etag} ${this.track.track?.etag} ${this.version}`,
      quick: this.dragging,
    };
  }

  /** Ask for the pictures of `a` and `b`, and while frames are stepped through, for the next ones. */
  look(wishes: { a: Wish; b: Wish }): void {
    const step = this.frame - this.lookedAt;
    this.lookedAt = this.frame;
    const sides = this.sides();
    for (const side of sides) this.loaders[side].want(wishes[side]);
    if (!step || Math.abs(step) > LARGEST_STEP) return;
    const next = Array.from({ length: STEPS_AHEAD }, (_, index) => this.frame + step * (index + 1));
    const inside = next.filter((frame) => this.state(frame) === "rendered");
    const fetches = inside.flatMap((frame) => sides.map((side) => ({ side, wish: this.wish(this.view[side], false, frame) })));
    const files = fetches.filter(({ wish }) => wish.from === "file" || wish.show === "plate");
    this.ahead.next(files.map(({ side, wish }) => () => this.loaders[side].prefetch(wish)));
  }

  async loadFrames(): Promise<void> {
    window.clearTimeout(this.timelineTimer);
    this.frames = await get<Frames>("/v1/ui/frames", { shot: this.path });
  }

  private loadFramesLater(): void {
    window.clearTimeout(this.timelineTimer);
    this.timelineTimer = window.setTimeout(() => {
      if (this.dragging) this.loadFramesLater();
      else this.loadFrames().catch((error) => messages.fail(error));
    }, TIMELINE_LATER);
  }

  async loadSource(): Promise<void> {
    this.source = await get<Source>("/v1/ui/source", { shot: this.path, face: this.shot.face });
  }

  /** What a live render still needs, in one sentence; "" where nothing is missing. */
  get lacking(): string {
    const shot = this.shot.shot;
    if (!shot || shot.error) return shot?.error?.message ?? "";
    const needsSource = this.shot.value("generator") !== "null";
    if (needsSource && !shot.source && !shot.faces.length) return "The shot has no source yet: choose one in the panel Source. The plate is shown.";
    return shot.tracked ? "" : "The shot is not tracked yet: track it to see the result. The plate is shown.";
  }

  /** A shot that cannot be rendered yet shows its plate. */
  private canShow(side: Side, frame: number): boolean {
    const written = side.show === "plate" || side.take !== null || this.state(frame) === "rendered";
    return written || !this.lacking;
  }

  private sides(): ("a" | "b")[] {
    const { comparison } = this.view;
    return comparison === "a" || comparison === "b" ? [comparison] : ["a", "b"];
  }

  private stage(): Stage | null {
    const shot = this.shot.shot;
    if (!shot) return null;
    const sides = this.sides();
    const wish = (side: "a" | "b", frame: number) => this.wish(this.view[side], true, frame);
    const written = (frame: number) => ["rendered", "stale"].includes(this.state(frame));
    return {
      first: shot.first,
      last: shot.last,
      rate: shot.rate || 24,
      playable: (frame) => sides.every((side) => this.view[side].show === "plate" || this.view[side].take !== null || written(frame)),
      has: (frame) => sides.every((side) => this.loaders[side].hasCached(wish(side, frame))),
      show: (frame) => {
        if (!sides.every((side) => this.loaders[side].hasCached(wish(side, frame)))) return false;
        return sides.every((side) => this.loaders[side].showCached(wish(side, frame)));
      },
      fetch: async (frame) => {
        await Promise.all(sides.map((side) => this.loaders[side].prefetch(wish(side, frame))));
      },
    };
  }

  private event(name: string, data: unknown): void {
    if (name === "jobs") this.jobs.replace((data as { jobs: Job[] }).jobs);
    else if (name === "job") this.jobEvent(data as Job);
    else if (name === "frame") this.frameEvent(data as FrameEvent);
    else if (name === "file") void this.fileEvent(data as FileEvent).catch((error) => messages.fail(error));
  }

  private jobEvent(job: Job): void {
    const before = this.jobs.list.find((other) => other.job === job.job)?.state;
    this.jobs.update(job);
    if (job.shot !== this.path || before === job.state) return;
    if (job.state === "failed" && job.error) messages.report(job.error.message);
    if (!["done", "failed", "cancelled"].includes(job.state)) return;
    if (job.kind === "render" || job.kind === "track") void this.refresh();
  }

  private frameEvent(event: FrameEvent): void {
    if (event.shot !== this.path || !this.frames || event.state === "running") return;
    const name = String(event.frame);
    if (event.state === "done" || event.state === "skipped") {
      this.cache.forget((kept) => kept.startsWith(`${name}|`) && !kept.startsWith(`${name}|plate`));
      const errors = Object.fromEntries(Object.entries(this.frames.errors).filter(([other]) => other !== name));
      this.frames = { ...this.frames, states: { ...this.frames.states, [name]: "rendered" }, errors };
    } else if (event.error) {
      const errors = { ...this.frames.errors, [name]: event.error };
      this.frames = { ...this.frames, states: { ...this.frames.states, [name]: "failed" }, errors };
    }
  }

  private async fileEvent(event: FileEvent): Promise<void> {
    if (event.what === "shot") {
      if (event.etag === this.shot.shot?.etag || this.shot.saving) return;
      await this.refresh();
      messages.say("Another page or a host changed the shot; its values are shown now.");
    } else if (event.what === "track") {
      if (event.etag === this.track.track?.etag) return;
      await this.refresh();
    } else if (event.what === "notes") {
      if (event.etag === this.review.notes?.etag) return;
      await Promise.all([this.review.load(), this.loadFrames()]);
    } else if (event.what === "source") {
      await Promise.all([this.loadSource(), this.shot.load()]);
      this.version += 1;
    } else await this.loadFrames();
  }
}
