/** The session with the engine: whether it was accepted, whether the engine answers, and whether it was restarted. */
import { EngineError, get, onRefused, sentence, useTicket } from "../engine/client";
import { follow } from "../engine/events";
import { messages } from "./messages.svelte";

type Listener = (name: string, data: unknown) => void;

class Session {
  phase = $state<"starting" | "refused" | "ready">("starting");
  online = $state(true);
  engine = $state("");
  refusal = $state("");
  /** Counts how often the stream was opened again; whoever shows the engine's state reads it anew then. */
  reopened = $state(0);
  private started = "";
  private close: () => void = () => undefined;

  /** Begin or continue the session. Return the shot that the link named. */
  async begin(): Promise<string | null> {
    onRefused(() => this.refuse(""));
    let shot: string | null = null;
    let ticket = "";
    try {
      shot = await useTicket();
    } catch (error) {
      ticket = sentence(error); // the key of an earlier visit may still be valid
    }
    try {
      await this.check();
      this.phase = "ready";
    } catch (error) {
      if (error instanceof EngineError && error.code === "engine-lost") this.refuse(error.message);
      else this.refuse(ticket);
    }
    return shot;
  }

  /** Follow the engine's events, for one shot's files where `shot` is given. Replaces an earlier stream. */
  listen(shot: string | undefined, listener: Listener): () => void {
    this.close();
    let opened = false;
    this.close = follow(
      { shot },
      {
        event: listener,
        opened: () => {
          this.online = true;
          if (opened) void this.again();
          opened = true;
        },
        lost: () => {
          this.online = false;
        },
      },
    );
    return this.close;
  }

  private async again(): Promise<void> {
    const before = this.started;
    await this.check();
    messages.engineIsBack();
    if (before !== this.started) messages.say("The engine was restarted. Jobs that ran in it have ended; start them again where you need them.");
    this.reopened += 1;
  }

  private async check(): Promise<void> {
    const answer = await get<{ engine: string; started: string }>("/v1/ui/session");
    this.engine = answer.engine;
    this.started = answer.started;
  }

  private refuse(text: string): void {
    this.refusal = text;
    this.phase = "refused";
    this.close();
  }
}

export const session = new Session();
