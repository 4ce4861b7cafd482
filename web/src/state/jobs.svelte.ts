/** Jobs of this page, of other pages, hosts and the farm runner. */
import { request, send } from "../engine/client";
import type { Job } from "../engine/types";
import { messages } from "./messages.svelte";

export const isOver = (job: Job): boolean => job.state !== "waiting" && job.state !== "running";

export class Jobs {
  list = $state.raw<Job[]>([]);
  private waiting = new Map<string, ((job: Job) => void)[]>();

  get active(): Job[] {
    return this.list.filter((job) => !isOver(job));
  }

  replace(list: Job[]): void {
    this.list = list.map((job) => this.newer(job));
    for (const job of this.list) this.settle(job);
  }

  /** Take in what the engine says of a job. An answer may arrive after an event that is newer: it then changes nothing. */
  update(heard: Job): void {
    const job = this.newer(heard);
    const known = this.list.some((other) => other.job === job.job);
    this.list = known ? this.list.map((other) => (other.job === job.job ? job : other)) : [job, ...this.list];
    this.settle(job);
  }

  private newer(job: Job): Job {
    const known = this.list.find((other) => other.job === job.job);
    return known && known.revision > job.revision ? known : job;
  }

  /** Submit a job and return it as queued. Raises `EngineError`. */
  async submit(body: Record<string, unknown>, shot?: string): Promise<Job> {
    const job = await send<Job>("POST", "/v1/ui/jobs", body, { shot });
    this.update(job);
    return job;
  }

  /** Wait until a job has ended. */
  async ended(job: Job): Promise<Job> {
    const now = this.list.find((other) => other.job === job.job) ?? job;
    if (isOver(now)) return now;
    return new Promise((done) => this.waiting.set(job.job, [...(this.waiting.get(job.job) ?? []), done]));
  }

  async cancel(job: Job): Promise<void> {
    try {
      await request(`/v1/jobs/${job.job}`, { method: "DELETE" });
    } catch (error) {
      messages.fail(error);
    }
  }

  async retry(job: Job): Promise<void> {
    try {
      this.update(await send<Job>("POST", `/v1/ui/jobs/${job.job}/retry`, {}));
    } catch (error) {
      messages.fail(error);
    }
  }

  private settle(job: Job): void {
    if (!isOver(job)) return;
    for (const done of this.waiting.get(job.job) ?? []) done(job);
    this.waiting.delete(job.job);
  }
}

/** Save the file that an export job made. */
export async function download(job: Job): Promise<void> {
  try {
    const response = await request(`/v1/ui/export/${job.job}`);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = String(job.result?.name ?? "export");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    messages.fail(error);
  }
}
