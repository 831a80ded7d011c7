"""The run in one sentence, the same in the terminal, the summary and the page."""

from viaduct.results import ExitCode, RunResult, Verdict


def headline(run: RunResult) -> str:
    totals = run.totals
    ran = sum(totals[verdict] for verdict in Verdict if verdict.ran)
    match run.exit_code:
        case ExitCode.NOTHING_RAN:
            return "Nothing ran"
        case ExitCode.OK if totals.known:
            return f"No new failure in {cases(ran)}, {totals.known} known"
        case ExitCode.OK if ran == 1:
            return "The one case passes"
        case ExitCode.OK:
            return f"All {cases(ran)} pass"
    red = sum(case.red for case in run.cases)
    parts = []
    if red:
        parts.append(f"{red} of {cases(ran)} {'does' if red == 1 else 'do'} not pass")
    if errors := totals[Verdict.ERROR]:
        parts.append(f"the harness erred in {errors}")
    text = ", ".join(parts)
    return text[0].upper() + text[1:]


def cases(count: int) -> str:
    return f"{count:,} case" if count == 1 else f"{count:,} cases"
