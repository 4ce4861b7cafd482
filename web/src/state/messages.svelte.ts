/** Sentences for the user: the newest stands in the status line, errors stay until they are read. */
import { isAbort, sentence } from "../engine/client";

export interface Message {
  id: number;
  text: string;
  level: "info" | "error";
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
    if (!isAbort(error)) this.add(sentence(error), "error");
  }

  close(id: number): void {
    this.list = this.list.filter((message) => message.id !== id);
  }

  private add(text: string, level: Message["level"]): void {
    const id = this.next++;
    this.list = [...this.list.filter((message) => message.text !== text), { id, text, level }].slice(-4);
    if (level === "info") setTimeout(() => this.close(id), 6000);
  }
}

export const messages = new Messages();
