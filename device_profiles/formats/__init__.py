"""What residents' data looks like: payment codes, identity, telephones, amounts, codes, text.

Decides whether a text is well formed and what it says. Does not decide what to do about it, asks no clock, keeps
nothing: "today" is an argument. A fault is a ``FormatError`` with the reasons by name; a remark rides on the value.
"""
