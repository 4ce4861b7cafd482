/** Issues of the shot, notes on frames, and the approval. */
import { get, isCode, send } from "../engine/client";
import type { Edit, Issue, Notes } from "../engine/types";
import { messages } from "./messages.svelte";

const AUTHOR = "faceplate.author";

export class Review {
  issues = $state.raw<Issue[]>([]);
  notes = $state.raw<Notes | null>(null);
  author = $state(localStorage.getItem(AUTHOR) ?? "");

  constructor(private readonly path: string) {}

  async load(): Promise<void> {
    const [issues, notes] = await Promise.all([
      get<{ issues: Issue[] }>("/v1/ui/issues", { shot: this.path }).catch(() => ({ issues: [] })),
      get<Notes>("/v1/ui/notes", { shot: this.path }),
    ]);
    this.issues = [...issues.issues].sort((a, b) => a.first - b.first);
    this.notes = notes;
  }

  keepAuthor(name: string): void {
    this.author = name.trim();
    localStorage.setItem(AUTHOR, this.author);
  }

  /** Write edits of notes; true where they were written. */
  async edit(edits: Edit[]): Promise<boolean> {
    const write = (etag: string) => send<Notes>("POST", "/v1/ui/notes", { edits }, { shot: this.path }, etag);
    try {
      try {
        this.notes = await write(this.notes?.etag ?? "");
      } catch (error) {
        if (!isCode(error, "notes-changed")) throw error;
        const now = await get<Notes>("/v1/ui/notes", { shot: this.path });
        this.notes = await write(now.etag);
      }
      return true;
    } catch (error) {
      messages.fail(error);
      return false;
    }
  }

  /** The nearest frame with an issue or an open note before or after `frame`, or null. */
  step(frame: number, direction: 1 | -1): number | null {
    const open = (this.notes?.notes ?? []).filter((note) => !note.done && note.frame !== null);
    const frames = [...this.issues.map((issue) => issue.first), ...open.map((note) => note.frame as number)];
    const ahead = frames.filter((other) => (other - frame) * direction > 0).sort((a, b) => (a - b) * direction);
    return ahead[0] ?? null;
  }
}
