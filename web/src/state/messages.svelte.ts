/** Sentences for the user: the newest stands in the status line, errors stay until they are read. */
import { isAbort, isCode, sentence } from "../engine/client";

export interface Message {
  id: number;
  text: string;
  level: "info" | "error";
  /** Said because the engine did not answer; it goes when the engine is back. */
  lost: boolean;
}

class Messages {
  list = $state<Message[]>([]);
  private next = 1;

  say(text: string): void {
    this.add(text, "info");
  }

  report(text: string): void {
    this.add(text, "error");
  }

  fail(error: unknown): void {
    if (!isAbort(error)) this.add(sentence(error), "error", isCode(error, "engine-lost"));
  }

  /** Take away what was said because the engine did not answer. */
  engineIsBack(): void {
    this.list = this.list.filter((message) => !message.lost);
  }

  close(id: number): void {
    this.list = this.list.filter((message) => message.id !== id);
  }

  private add(text: string, level: Message["level"], lost = false): void {
    const id = this.next++;
    this.list = [...this.list.filter((message) => message.text !== text), { id, text, level, lost }].slice(-4);
    if (level === "info") setTimeout(() => this.close(id), 6000);
  }
}

export const messages = new Messages();
