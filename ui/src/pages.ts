/** The pages of the dashboard, in the order of the side bar. */
import type { FunctionComponent } from "preact";
import { CostOverview, type PageProps } from "./panels/CostOverview";
import type { IconName } from "./shell/icons";

export interface Page {
  readonly path: string;
  readonly title: string;
  readonly icon: IconName;
  readonly Component: FunctionComponent<PageProps>;
}

export const PAGES: readonly Page[] = [{ path: "", title: "Cost overview", icon: "overview", Component: CostOverview }];
