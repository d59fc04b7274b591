"""Faces in any photo: found, brought into the frame of deep-funnelled LFW, and measured.

Finding takes dlib, which comes with the extra ``faces``; everything else works without it.
"""
