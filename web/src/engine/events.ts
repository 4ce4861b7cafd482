/** The engine's event stream, read with fetch because the session's key is a header. Reconnects until it is closed. */
import { isAbort, isCode, request } from "./client";

/** The engine sends a ping every two seconds; a stream that is silent for longer than this is dead. */
const SILENCE = 10_000;
const WAITS = [500, 1000, 2000, 3000, 5000];

export interface StreamHandlers {
  event(name: string, data: unknown): void;
  opened(): void;
  lost(): void;
}

/** Follow the events until the returned function is called. `query.shot` adds the file changes of one shot. */
export function follow(query: { shot?: string }, handlers: StreamHandlers): () => void {
  let closed = false;
  let controller = new AbortController();
  const run = async (): Promise<void> => {
    for (let attempt = 0; !closed; attempt += 1) {
      controller = new AbortController();
      try {
        const response = await request("/v1/ui/events", { query, signal: controller.signal });
        handlers.opened();
        attempt = 0;
        await read(response, controller, handlers.event);
      } catch (error) {
        if (isCode(error, "bad-session")) return;
        if (!isAbort(error) && !isCode(error, "engine-lost")) console.warn(error);
      }
      if (closed) return;
      handlers.lost();
      await new Promise((done) => setTimeout(done, WAITS[Math.min(attempt, WAITS.length - 1)]));
    }
  };
  void run();
  return () => {
    closed = true;
    controller.abort();
  };
}

async function read(response: Response, controller: AbortController, event: StreamHandlers["event"]): Promise<void> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let timer = setTimeout(() => controller.abort(), SILENCE);
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(), SILENCE);
      const blocks = (text + value).replaceAll("\r\n", "\n").split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) emit(block, event);
    }
  } finally {
    clearTimeout(timer);
  }
}

function emit(block: string, event: StreamHandlers["event"]): void {
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  if (data.length) event(name, JSON.parse(data.join("\n")));
}
