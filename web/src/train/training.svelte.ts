/** A model's training, followed while it runs: its record every two seconds, and the newest preview sheet. */
import { get, isAbort, request, sentence } from "../engine/client";
import type { Training } from "./types";

const EVERY_MS = 2000;
/** A running training writes a line at least this often; one on a busy CPU with large crops takes its time. */
const QUIET_S = 180;

export class TrainingState {
  training = $state.raw<Training | null>(null);
  /** The step whose sheet is shown, and the sheet as an address. */
  step = $state(0);
  sheet = $state("");
  problem = $state("");
  /** Whether the newest sheet is shown as soon as there is one. */
  following = $state(true);
  private asked = 0;

  constructor(private readonly path: string) {}

  readonly runs = $derived.by(() => {
    const age = this.training?.age_s ?? null;
    const left = this.training?.latest?.seconds_left;
    return age !== null && age < QUIET_S && left !== 0;
  });

  /** Read the record now and every two seconds. Return how to stop. */
  follow(): () => void {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      await this.look(abort.signal);
      if (!abort.signal.aborted) timer = setTimeout(look, EVERY_MS);
    };
    void look();
    return () => {
      abort.abort();
      clearTimeout(timer);
      URL.revokeObjectURL(this.sheet);
    };
  }

  async show(step: number): Promise<void> {
    this.following = step === this.training?.previews.at(-1);
    await this.load(step);
  }

  private async look(signal: AbortSignal): Promise<void> {
    try {
      this.training = await get<Training>("/v1/ui/training", { model: this.path }, signal);
      this.problem = "";
      const newest = this.training.previews.at(-1);
      if (newest !== undefined && newest !== this.step && this.following) await this.load(newest, signal);
    } catch (error) {
      if (!isAbort(error)) this.problem = sentence(error);
    }
  }

  private async load(step: number, signal?: AbortSignal): Promise<void> {
    const turn = ++this.asked;
    const response = await request("/v1/ui/training/preview", { query: { model: this.path, step }, signal });
    const picture = await response.blob();
    if (turn !== this.asked) return; // another step was chosen meanwhile
    URL.revokeObjectURL(this.sheet);
    this.sheet = URL.createObjectURL(picture);
    this.step = step;
  }
}
