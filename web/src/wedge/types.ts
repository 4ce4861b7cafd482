/** What the routes of wedges answer: wedge.json as docs/wedge.md describes it. */
import type { ParameterValue, Rect } from "../engine/types";

export interface Measures {
  to_source: number | null;
  to_target: number | null;
  flicker: number | null;
  plate_flicker: number | null;
  seam: number | null;
  light_error: number | null;
  seconds: number | null;
}

export interface Variant {
  name: string;
  values: Record<string, ParameterValue>;
  column: number;
  row: number;
  frames: { frame: number; file: string | null; error: { code: string; message: string } | null; measures: Measures }[];
  measures: Measures;
}

export interface Wedge {
  folder: string;
  shot: string;
  name: string;
  frames: number[];
  axes: { parameter: string; label: string; values: ParameterValue[] }[];
  variants: Variant[];
  sheets: { frame: number; file: string; size: [number, number]; cells: { variant: string; box: Rect }[] }[];
}
