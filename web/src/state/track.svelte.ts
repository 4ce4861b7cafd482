/** The track of the chosen face: plots, mesh, corrections with undo and redo. */
import { get, isCode, send } from "../engine/client";
import type { Edit, Mesh, Rect, Topology, Track } from "../engine/types";
import { messages } from "./messages.svelte";

export interface Candidates {
  frame: number;
  faces: { number: number; box: Rect; score: number }[];
}

/** The middle of a region of the mesh, in plate pixels: where its handle is drawn. */
export function regionCenter(mesh: Mesh, topology: Topology, region: string): [number, number] | null {
  const points = (topology.region_points[region] ?? []).map((index) => mesh.points[index]).filter((point) => point !== undefined);
  if (!points.length) return null;
  const sum = points.reduce(([x, y], point) => [x + point[0], y + point[1]] as [number, number], [0, 0] as [number, number]);
  return [sum[0] / points.length, sum[1] / points.length];
}

export class TrackState {
  track = $state.raw<Track | null>(null);
  topology = $state.raw<Topology | null>(null);
  mesh = $state.raw<Mesh | null>(null);
  meshFrame = $state(0);
  undoable = $state.raw<Track["corrections"][]>([]);
  redoable = $state.raw<Track["corrections"][]>([]);
  person = $state("");
  showMesh = $state(true);
  showBox = $state(true);
  /** Faces of one frame to choose among, by clicking in the viewer. */
  candidates = $state.raw<Candidates | null>(null);

  constructor(private readonly path: string) {}

  async load(face: string): Promise<void> {
    try {
      this.topology ??= await get<Topology>("/v1/ui/topology");
      this.take(await get<Track>("/v1/ui/track", { shot: this.path, face }));
    } catch (error) {
      if (!isCode(error, "no-track")) throw error;
      this.track = this.mesh = null;
    }
  }

  async loadMesh(frame: number, face: string): Promise<void> {
    if (!this.person) return;
    try {
      const mesh = await get<Mesh>("/v1/ui/track/mesh", { shot: this.path, face, person: this.person, frame });
      [this.mesh, this.meshFrame] = [mesh, frame];
    } catch (error) {
      if (!isCode(error, "no-face", "no-track")) throw error;
      this.mesh = null;
    }
  }

  /** Write corrections into the track. */
  async edit(edits: Edit[], face: string): Promise<void> {
    const before = this.track?.corrections;
    if (!before || !(await this.write(edits, face))) return;
    this.undoable = [...this.undoable.slice(-99), before];
    this.redoable = [];
  }

  async undo(face: string): Promise<void> {
    const [now, before] = [this.track?.corrections, this.undoable.at(-1)];
    if (!now || !before || !(await this.write([{ do: "undo-to", corrections: before }], face))) return;
    this.undoable = this.undoable.slice(0, -1);
    this.redoable = [...this.redoable, now];
  }

  async redo(face: string): Promise<void> {
    const [now, after] = [this.track?.corrections, this.redoable.at(-1)];
    if (!now || !after || !(await this.write([{ do: "undo-to", corrections: after }], face))) return;
    this.redoable = this.redoable.slice(0, -1);
    this.undoable = [...this.undoable, now];
  }

  private take(track: Track): void {
    this.track = track;
    const known = track.people.some((person) => person.id === this.person);
    if (!known) this.person = track.chosen ?? track.people[0]?.id ?? "";
  }

  private async write(edits: Edit[], face: string): Promise<boolean> {
    try {
      const match = this.track?.etag ?? "";
      this.take(await send<Track>("POST", "/v1/ui/track", { edits }, { shot: this.path, face }, match));
      return true;
    } catch (error) {
      messages.fail(error);
      if (isCode(error, "track-changed")) await this.load(face);
      return false;
    }
  }
}
