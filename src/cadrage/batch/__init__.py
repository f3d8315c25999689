"""Many photographs: what is done to each, the processes that do it, the record that outlives a kill.

``jobs`` says what is done to every photograph of a run, ``names`` what its crops are called, ``run`` does it here
or in processes of a ``pool``, and ``manifest`` keeps what was done, line by line, so that a run can go on where an
earlier one ended. Nothing is imported here: a process of the pool sets how many threads numpy may start before
anything imports numpy.
"""
