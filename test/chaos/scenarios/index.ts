// The table of contents.
import type { Scenario } from "../scenario.ts";
import { answers } from "./answers.ts";
import { killed } from "./killed.ts";

export const scenarios: Scenario[] = [...killed, ...answers].toSorted((a, b) => a.number - b.number);
