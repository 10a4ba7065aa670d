"""The trust boundary: a notebook is executed in one process and judged in another.

`wire` is the language between the two, `agent` the student's side of it, `views` and `rebuild` the
grader's, `evidence` what is kept, `judge` the process that runs test cells, and `session` the
whole way of one submission.
"""
