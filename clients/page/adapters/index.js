// The libraries this page can speak with, by the name used in ?library=NAME.
import * as jssip from "./jssip.js";

export const adapters = { jssip };
