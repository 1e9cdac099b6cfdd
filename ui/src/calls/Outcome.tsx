/** How a call ended, in one word; said in words and not by colour alone. */
import type { Call } from "../data/calls";

export function Outcome({ call }: { call: Call }) {
  if (call.role !== "owner") return <span class="badge">{call.role}</span>;
  if (call.error_type) return <span class="badge">error: {call.error_type.replaceAll("_", " ")}</span>;
  if (call.finish_reason === "length") return <span class="badge">truncated</span>;
  if (call.finish_reason === "content_filter") return <span class="badge">content filter</span>;
  if (call.usage_state === "missing") return <span class="badge warn-text">no usage</span>;
  if (call.cost_usd === null) return <span class="badge warn-text">unpriced</span>;
  return <span class="quiet">{call.finish_reason?.replaceAll("_", " ") ?? "ok"}</span>;
}
