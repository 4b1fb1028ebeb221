"""The rules of one kernel as source: the model's own functions with every switch folded away, and the diff of two.

`values` says what an expression is once the switches are known, `fold` edits the source accordingly, and `source` does
so for all of the model.
"""
