/** Changing something on the server: one request, whose answer or problem is shown where it was asked for. */
import { useState } from "preact/hooks";
import { ProblemError, problemOf, type Problem } from "./api";

export async function postJson<T>(url: string, body: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    const detail = "The server could not be reached. Is costspan serve running?";
    throw new ProblemError({ title: "No answer", detail, status: null, url });
  }
  if (!response.ok) throw new ProblemError(await problemOf(response, url));
  return (await response.json()) as T;
}

export interface Sending<T> {
  readonly answer: T | null;
  readonly problem: Problem | null;
  readonly busy: boolean;
  readonly send: (body: unknown) => Promise<T | null>;
  readonly forget: () => void;
}

/** A request the user makes by a button, and what became of the latest one. */
export function useSending<T>(url: string): Sending<T> {
  const [state, setState] = useState<{ answer: T | null; problem: Problem | null; busy: boolean }>({
    answer: null,
    problem: null,
    busy: false,
  });
  const send = async (body: unknown) => {
    setState({ answer: null, problem: null, busy: true });
    try {
      const answer = await postJson<T>(url, body);
      setState({ answer, problem: null, busy: false });
      return answer;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      setState({ answer: null, problem: error.problem, busy: false });
      return null;
    }
  };
  return { ...state, send, forget: () => setState({ answer: null, problem: null, busy: false }) };
}
