"""Suggestions: sub-categories suggested for the text of a ticket by a small model.

- The model is trained on `data/exemples` at start, or loaded from a file that the `train` command
  wrote; the same examples give the same model.
- A suggestion never changes what somebody chose: it is shown, and stored beside the choice.
- A text is read off the event loop, one at a time; after a timeout nothing is suggested, so that
  no ticket waits for the model.
- A sub-category without examples is never suggested.
- `make eval-support` measures the model on tickets held out.
"""
