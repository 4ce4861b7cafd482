/** Fetches the pictures of one side of the viewer: one request at a time, the newest wish next, a proxy before the full picture. */
import { isAbort, sentence } from "../engine/client";
import { fetchPicture, type Picture, type PictureCache } from "../engine/pictures";

export interface Wish {
  shot: string;
  face: string;
  frame: number;
  show: string;
  take: number | null;
  /** Where the result comes from: the rendered file, or a live render of the shot as it is now. */
  from: "file" | "live" | "auto";
  /** Unsaved values as JSON. */
  values: string;
  proxy: number;
  /** Another text for every change of what a live render or a rendered file depends on. */
  version: string;
  /** A slider is being moved: a coarse picture now is better than a fine one later. */
  quick: boolean;
}

export interface Shown {
  frame: number;
  base: Picture | null;
  patch: Picture | null;
  wish: Wish;
}

/** How long a wish must stand before the full picture is rendered after the proxy, in ms. */
const REST = 180;
/** A picture of a moved slider that takes longer is asked for at a quarter of the size from then on, in ms; and back below half of it. */
const SLOW = 220;

export class Loader {
  shown = $state.raw<Shown | null>(null);
  loading = $state(false);
  problem = $state("");
  /** How long the last picture took from the wish to its arrival, in ms. */
  lastMs = $state(0);
  private wish: Wish | null = null;
  /** The wish whose pictures are on their way. */
  private flying: Wish | null = null;
  /** A wish that playback has overtaken. */
  private overtaken: Wish | null = null;
  private running = false;
  private abort = new AbortController();
  /** The proxy of pictures while a slider is moved. */
  private quickProxy = 2;

  constructor(
    private readonly cache: PictureCache,
    private readonly tab: string,
  ) {}

  /** Ask for a picture. The picture that is shown stays until the new one is there. */
  want(wish: Wish): void {
    const { flying } = this;
    this.wish = wish;
    // A slider's next value waits for the picture on its way, and a file's picture is shown in passing; a render of another frame ends.
    if (flying && !isWritten(flying) && (flying.frame !== wish.frame || flying.show !== wish.show)) this.abort.abort();
    if (!this.running) void this.run();
  }

  /** Show a picture if it is in the cache, for playback. */
  showCached(wish: Wish): boolean {
    const base = this.cache.get(nameOf(wish, wish.show));
    if (!base) return false;
    this.wish = wish;
    this.overtaken = this.flying;
    this.shown = { frame: wish.frame, base, patch: null, wish };
    return true;
  }

  /** Fetch a picture into the cache, for playback and for scrubbing; one that is on its way is not waited for. */
  async prefetch(wish: Wish): Promise<void> {
    if (this.cache.expects(nameOf(wish, wish.show))) return;
    await this.fetch(wish, wish.show, wish.proxy);
  }

  hasCached(wish: Wish): boolean {
    return this.cache.has(nameOf(wish, wish.show));
  }

  private async run(): Promise<void> {
    this.running = true;
    this.loading = true;
    try {
      for (let wish = this.wish; wish; wish = this.wish === wish ? null : this.wish) await this.fulfil(wish);
    } finally {
      this.running = this.loading = false;
    }
  }

  private async fulfil(wish: Wish): Promise<void> {
    this.abort = new AbortController();
    this.flying = wish;
    const begun = performance.now();
    try {
      const coarse = this.showsFinely(wish) ? wish.proxy : Math.max(wish.proxy, wish.quick ? this.quickProxy : 2);
      if (wish.show === "result" && wish.from !== "file") {
        await this.live(wish, coarse, begun);
        if (wish.quick) this.adapt(performance.now() - begun);
        else if (coarse !== wish.proxy && (await this.rests(wish))) await this.live(wish, wish.proxy, begun);
      } else {
        const base = await this.fetch(wish, wish.show, wish.proxy);
        this.take(wish, base, null, begun);
      }
      this.problem = "";
    } catch (error) {
      if (!isAbort(error) && this.wish === wish) this.problem = sentence(error);
    } finally {
      this.flying = null;
    }
  }

  /** Whether this very result is shown already, as fine as it is wished: another way to it is no reason to show it coarsely. */
  private showsFinely(wish: Wish): boolean {
    const { shown } = this;
    if (!shown?.patch || shown.patch.header.proxy > wish.proxy) return false;
    return (["shot", "face", "frame", "show", "values", "version"] as const).every((name) => shown.wish[name] === wish[name]);
  }

  /** Choose the size of the slider's next picture by how long this one took. */
  private adapt(ms: number): void {
    if (ms > SLOW) this.quickProxy = 4;
    else if (ms < SLOW / 2) this.quickProxy = 2;
  }

  /** Show the plate with the result's window over it; `proxy` is the window's. */
  private async live(wish: Wish, proxy: number, begun: number): Promise<void> {
    const known = this.shown;
    const fine = this.cache.has(nameOf(wish, "plate"));
    const base = await this.fetch(wish, "plate", fine ? wish.proxy : Math.max(wish.proxy, Math.min(proxy, 2)));
    const sameFrame = known?.frame === wish.frame && known.wish.show === "result";
    if (!sameFrame && this.wish === wish) this.shown = { frame: wish.frame, base, patch: null, wish };
    const patch = await this.fetch(wish, "patch", proxy);
    this.take(wish, base, patch, begun);
  }

  private take(wish: Wish, base: Picture, patch: Picture | null, begun: number): void {
    if (wish === this.overtaken || (this.wish && this.wish.frame !== wish.frame && !isWritten(wish))) return;
    const drawn = patch && patch.header.width > 0 ? patch : null;
    this.shown = { frame: wish.frame, base, patch: drawn, wish };
    this.lastMs = performance.now() - begun;
  }

  private async rests(wish: Wish): Promise<boolean> {
    await new Promise((done) => setTimeout(done, REST));
    return this.wish === wish;
  }

  private async fetch(wish: Wish, show: string, proxy: number): Promise<Picture> {
    const asked = { ...wish, proxy };
    const name = nameOf(asked, show);
    const plate = show === "plate";
    const query = {
      shot: wish.shot,
      face: wish.face,
      frame: wish.frame,
      show,
      proxy,
      ...(plate ? {} : { from: wish.from, take: wish.take, values: wish.values, tab: this.tab }),
    };
    if (plate || isWritten(wish)) return this.cache.share(name, () => fetchPicture(query));
    const kept = this.cache.get(name);
    if (kept) return kept;
    const picture = await fetchPicture(query, this.abort.signal);
    this.cache.put(name, picture);
    return picture;
  }
}

/** Whether a wish is read from a file, and not rendered. */
function isWritten(wish: Wish): boolean {
  return wish.from === "file" || wish.show === "plate";
}

/** The cache's name of a picture. It begins with the frame, so that one frame can be forgotten. */
function nameOf(wish: Wish, show: string): string {
  if (show === "plate") return `${wish.frame}|plate|${wish.proxy}`;
  return [wish.frame, show, wish.proxy, wish.from, wish.take ?? "", wish.face, wish.version, wish.values].join("|");
}
