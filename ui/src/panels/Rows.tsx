/** A plain table in a panel: its headings, and room to scroll sideways where it is wider than the panel. */
import type { ComponentChildren } from "preact";

interface Heading {
  readonly name: string;
  readonly figures?: boolean;
  readonly aloud?: boolean;
}

/** The heading of a column of figures. */
export function figures(name: string): Heading {
  return { name, figures: true };
}

/** The heading of a column of buttons, which only a screen reader says. */
export function aloud(name: string): Heading {
  return { name, aloud: true };
}

export function Rows(props: {
  label: string;
  heads: readonly (string | Heading)[];
  class?: string;
  children: ComponentChildren;
}) {
  const heads = props.heads.map((each) => (typeof each === "string" ? { name: each } : each) as Heading);
  return (
    <div class="scroll-x" role="region" aria-label={props.label} tabIndex={0}>
      <table class={props.class}>
        <thead>
          <tr>
            {heads.map((each) => (
              <th key={each.name} scope="col" class={each.figures ? "num" : undefined}>
                {each.aloud ? <span class="sr">{each.name}</span> : each.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}
