/** Half-float pictures from the engine, and a cache of them that holds a bounded number of bytes. */
import { request, type Query } from "./client";
import type { PictureHeader } from "./types";

export interface Picture {
  header: PictureHeader;
  /** Half floats, rows from the top, channels interleaved, in plate space. */
  pixels: Uint16Array;
  etag: string;
}

export async function fetchPicture(query: Query, signal?: AbortSignal): Promise<Picture> {
  const response = await request("/v1/ui/picture", { query, signal });
  const header = JSON.parse(response.headers.get("Faceplate-Picture") ?? "{}") as PictureHeader;
  return { header, pixels: new Uint16Array(await response.arrayBuffer()), etag: response.headers.get("ETag") ?? "" };
}

/** The least recently used pictures go first when `limit` bytes are exceeded. */
export class PictureCache {
  private readonly kept = new Map<string, Picture>();
  private readonly coming = new Map<string, Promise<Picture>>();
  private size = 0;

  constructor(private readonly limit: number) {}

  get bytes(): number {
    return this.size;
  }

  has(name: string): boolean {
    return this.kept.has(name);
  }

  /** Whether a picture is kept or on its way. */
  expects(name: string): boolean {
    return this.kept.has(name) || this.coming.has(name);
  }

  get(name: string): Picture | undefined {
    const found = this.kept.get(name);
    if (found) {
      this.kept.delete(name);
      this.kept.set(name, found);
    }
    return found;
  }

  put(name: string, picture: Picture): void {
    this.drop(name);
    this.kept.set(name, picture);
    this.size += picture.pixels.byteLength;
    for (const oldest of this.kept.keys()) {
      if (this.size <= this.limit || oldest === name) break;
      this.drop(oldest);
    }
  }

  /** The kept picture, or that of `fetch`; whoever asks for it meanwhile waits for the same answer. */
  async share(name: string, fetch: () => Promise<Picture>): Promise<Picture> {
    const kept = this.get(name);
    if (kept) return kept;
    let coming = this.coming.get(name);
    if (!coming) {
      coming = fetch();
      this.coming.set(name, coming);
      const own = coming;
      const end = () => this.coming.get(name) === own && this.coming.delete(name);
      void own.then((picture) => end() && this.put(name, picture), end);
    }
    return coming;
  }

  /** Forget every picture whose name `matches`, and do not keep those of them that are on their way. */
  forget(matches: (name: string) => boolean): void {
    for (const name of [...this.kept.keys()]) if (matches(name)) this.drop(name);
    for (const name of [...this.coming.keys()]) if (matches(name)) this.coming.delete(name);
  }

  private drop(name: string): void {
    const found = this.kept.get(name);
    if (!found) return;
    this.size -= found.pixels.byteLength;
    this.kept.delete(name);
  }
}
