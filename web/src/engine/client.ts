/** Requests to the engine: the session's key, JSON, and errors as one sentence with a stable code. */
import type { ErrorEntry } from "./types";

const KEY = "faceplate.key";

export class EngineError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 0,
  ) {
    super(message);
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

interface Options {
  method?: string;
  query?: Query;
  body?: unknown;
  bytes?: Blob;
  match?: string;
  signal?: AbortSignal;
}

/** Called when the engine refuses the session, so that the page can say how to open it again. */
let refused: () => void = () => undefined;
export function onRefused(call: () => void): void {
  refused = call;
}

/** Exchange the one-time ticket of the address for the session's key, and take it out of the address. */
export async function useTicket(): Promise<string | null> {
  const address = new URL(location.href);
  const ticket = address.searchParams.get("ticket");
  if (!ticket) return null;
  address.searchParams.delete("ticket");
  history.replaceState(null, "", address);
  const response = await fetch("/v1/ui/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ticket }),
  });
  if (!response.ok) throw await errorOf(response);
  const answer = (await response.json()) as { key: string; shot: string | null };
  localStorage.setItem(KEY, answer.key);
  return answer.shot;
}

/** Send one request with the session's key. Raises `EngineError`. */
export async function request(path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { "Faceplate-Page": localStorage.getItem(KEY) ?? "" };
  if (options.match !== undefined) headers["If-Match"] = options.match;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path + queryText(options.query), {
      method: options.method ?? "GET",
      headers,
      body: options.bytes ?? (options.body === undefined ? undefined : JSON.stringify(options.body)),
      signal: options.signal,
      // The browser's own cache would ask with the file's etag, and be told that nothing changed, when only the track did.
      cache: "no-store",
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new EngineError("engine-lost", "The engine does not answer.");
  }
  if (response.ok || response.status === 304) return response;
  const error = await errorOf(response);
  if (response.status === 401) refused();
  throw error;
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return (await (await request(path, { query, signal })).json()) as T;
}

export async function send<T>(method: string, path: string, body: unknown, query?: Query, match?: string): Promise<T> {
  return (await (await request(path, { method, query, body, match })).json()) as T;
}

/** Return one sentence about any error, for the page. */
export function sentence(error: unknown): string {
  if (error instanceof EngineError) return error.message;
  return error instanceof Error ? `The page failed: ${error.message}` : "The page failed.";
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof EngineError && codes.includes(error.code);
}

export function isAbort(error: unknown): boolean {
  return (error instanceof DOMException && error.name === "AbortError") || isCode(error, "superseded", "cancelled");
}

async function errorOf(response: Response): Promise<EngineError> {
  try {
    const { error } = (await response.json()) as { error: ErrorEntry };
    return new EngineError(error.code, error.message, response.status);
  } catch {
    return new EngineError("engine-answer", `The engine answered ${response.status} without a reason.`, response.status);
  }
}

function queryText(query: Query = {}): string {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") found.set(name, String(value));
  }
  const text = found.toString();
  return text ? `?${text}` : "";
}
