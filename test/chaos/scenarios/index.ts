// The table of contents.
import type { Scenario } from "../scenario.ts";
import { answers } from "./answers.ts";
import { children } from "./children.ts";
import { killed } from "./killed.ts";
import { laws } from "./laws.ts";
import { leader } from "./leader.ts";
import { lifecycle } from "./lifecycle.ts";
import { watches } from "./watches.ts";
import { writers } from "./writers.ts";

export const scenarios: Scenario[] = [
  ...killed,
  ...watches,
  ...answers,
  ...writers,
  ...leader,
  ...lifecycle,
  ...children,
  ...laws,
].toSorted((a, b) => a.number - b.number);
