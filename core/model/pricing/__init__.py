"""From tariffs and measured periods to a report of the price, a file a step.

measured (what is priced) → slices (quantities, and the state in which they were taken) → selection (the component that
prices each) → steps (blocks) → lines (money) → limits (minimum and maximum price) → report. `price_session` in `price`
runs them all.
"""
