export type Point = [step: number, value: number];

/** What a training's record says, as /v1/ui/training answers. */
export interface Training {
  model: string;
  name: string;
  /** Seconds since the newest line was written; null before the first. */
  age_s: number | null;
  latest: { step: number; steps?: number; faces_per_second: number; seconds_left?: number } | null;
  losses: Record<string, Point[]>;
  held_out: Point[];
  previews: number[];
}
