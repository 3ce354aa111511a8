"""The program that travels with a job: it runs the cell where the job is, and leaves the record in the job folder.

It needs Python 3.9 and its standard library. What it shares with labnb (the journal, the names of files) is carried
along under another name (`labnb.usecases.runner_program`), so that an installed labnb of another version is not
disturbed by it, nor it by that.
"""
