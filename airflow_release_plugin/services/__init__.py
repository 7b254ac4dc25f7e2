"""
Use cases, one file per noun, in packages by what they are for; beside these, what all of them share.

Authorisation happens here; whoever calls adds nothing to it.
"""
