/** The batched loader: asks for what a page needs in parallel, and keeps old answers on screen meanwhile. */
import { useEffect, useRef, useState } from "preact/hooks";
import { fetchJson, ProblemError, type Problem } from "./api";

export interface Answer<T> {
  /** The last good document, which may belong to an earlier question. */
  readonly data: T | null;
  readonly problem: Problem | null;
  readonly loading: boolean;
  readonly url: string;
  readonly receivedAt: number | null;
}

export type Questions = Readonly<Record<string, string | null>>;
type Answers = Readonly<Record<string, Answer<unknown>>>;

const BURST_MS = 12;
const NOTHING: Answer<never> = { data: null, problem: null, loading: true, url: "", receivedAt: null };

function asked(before: Answers, questions: Questions): Answers {
  const entries = Object.entries(questions).map(([name, url]) => {
    const old = before[name] ?? NOTHING;
    return [name, { ...old, url: url ?? old.url, loading: url !== null }] as const;
  });
  return { ...before, ...Object.fromEntries(entries) };
}

/**
 * Answer every named address; null means "not now" and keeps what is there.
 *
 * Equal addresses are fetched once. A new set of questions, or a higher `round`, aborts what is still under way.
 */
export function useAnswers(questions: Questions, round: number): <T>(name: string) => Answer<T> {
  const [answers, setAnswers] = useState<Answers>({});
  const flights = useRef(new Map<string, { url: string; round: number; abort: AbortController }>());
  const landed = useRef<Record<string, Partial<Answer<unknown>>>>({});
  /** Answers come in bursts: drawing once per burst costs a fraction of drawing once per answer. */
  const land = (name: string, result: Partial<Answer<unknown>>) => {
    if (!Object.keys(landed.current).length) setTimeout(draw, BURST_MS);
    landed.current[name] = result;
  };
  const draw = () => {
    const results = Object.entries(landed.current);
    landed.current = {};
    setAnswers((all) => ({
      ...all,
      ...Object.fromEntries(
        results.map(([name, each]) => [name, { ...(all[name] ?? NOTHING), ...each, loading: false }]),
      ),
    }));
  };
  const key = JSON.stringify(questions);
  useEffect(() => {
    const started = Object.entries(questions).filter(([name, url]) => {
      const flight = flights.current.get(name);
      return url !== null && (flight?.url !== url || flight.round !== round);
    }) as [string, string][];
    if (!started.length) return;
    setAnswers((before) => asked(before, Object.fromEntries(started)));
    const abort = new AbortController();
    const shared = new Map<string, Promise<unknown>>();
    for (const [name, url] of started) {
      const old = flights.current.get(name)?.abort;
      flights.current.set(name, { url, round, abort });
      delete landed.current[name];
      if (old && ![...flights.current.values()].some((flight) => flight.abort === old)) old.abort();
      const document = shared.get(url) ?? fetchJson(url, abort.signal);
      shared.set(url, document);
      const settle = (result: Partial<Answer<unknown>>) => {
        if (flights.current.get(name)?.abort === abort) land(name, result);
      };
      document.then(
        (data) => settle({ data, problem: null, receivedAt: Date.now() }),
        (error: unknown) => error instanceof ProblemError && settle({ problem: error.problem }),
      );
    }
  }, [key, round]);
  return <T>(name: string) => (answers[name] ?? NOTHING) as Answer<T>;
}
