/** The wedge that is shown: which ones there are, what the open one holds, and the sheet of one frame. */
import { get, request, sentence } from "../engine/client";
import type { Edit, ParameterValue, Rect } from "../engine/types";
import { messages } from "../state/messages.svelte";
import type { Workspace } from "../state/workspace.svelte";
import type { Variant, Wedge } from "./types";

export function shown(value: ParameterValue): string {
  return value === "" ? "(empty)" : String(value);
}

export class WedgeState {
  folders = $state.raw<string[]>([]);
  wedge = $state.raw<Wedge | null>(null);
  frame = $state(0);
  sheet = $state.raw<ImageBitmap | null>(null);
  problem = $state("");

  constructor(private readonly ws: Workspace) {}

  /** The folder that the address names, as `faceplate wedge --open` writes it. */
  static asked(): string {
    return new URLSearchParams(location.hash.slice(1)).get("wedge") ?? "";
  }

  /** Find the wedges of the shot, and open the one that the address names. */
  async load(): Promise<void> {
    const asked = WedgeState.asked();
    const { folders } = await get<{ folders: string[] }>("/v1/ui/wedges", { shot: this.ws.path });
    this.folders = asked && !folders.includes(asked) ? [asked, ...folders] : folders;
    const first = asked || this.folders[0];
    if (first) await this.open(first);
    if (asked && this.wedge) this.ws.panel = "wedge";
  }

  async open(folder: string): Promise<void> {
    this.problem = "";
    try {
      this.wedge = await get<Wedge>("/v1/ui/wedge", { folder });
      const frames = this.wedge.sheets.map((sheet) => sheet.frame);
      const near = frames.includes(this.ws.frame) ? this.ws.frame : frames[0];
      if (near !== undefined) await this.show(near);
    } catch (error) {
      this.wedge = null;
      this.problem = sentence(error);
    }
  }

  async show(frame: number): Promise<void> {
    if (!this.wedge) return;
    try {
      const response = await request("/v1/ui/wedge/sheet", { query: { folder: this.wedge.folder, frame } });
      this.sheet = await createImageBitmap(await response.blob());
      this.frame = frame;
    } catch (error) {
      this.problem = sentence(error);
    }
  }

  box(variant: Variant): Rect | null {
    const sheet = this.wedge?.sheets.find((other) => other.frame === this.frame);
    return sheet?.cells.find((cell) => cell.variant === variant.name)?.box ?? null;
  }

  words(variant: Variant): string {
    return Object.entries(variant.values)
      .map(([name, value]) => `${name} ${shown(value)}`)
      .join(", ");
  }

  /** Whether the shot has a variant's values on the frame that is shown. */
  isInShot(variant: Variant): boolean {
    const value = (name: string) => (name === "source" ? this.ws.shot.shot?.source : this.ws.shot.value(name));
    return Object.entries(variant.values).every(([name, wanted]) => value(name) === wanted);
  }

  /** Write a variant's values into the shot, as one step that can be undone. */
  async take(variant: Variant): Promise<void> {
    const face = this.ws.shot.face || undefined;
    const edits: Edit[] = Object.entries(variant.values).map(([name, value]) => ({ do: "set", name, value, face }));
    try {
      await this.ws.shot.edit(edits, this.words(variant));
      await this.ws.shot.loadValues(this.ws.frame);
      if (this.isInShot(variant)) messages.say(`Taken into the shot: ${this.words(variant)}. Undo takes it back.`);
    } catch (error) {
      messages.fail(error);
    }
  }
}
