"""Songs as sheet music: which notes share a voice, how their lengths are written, and MusicXML.

Only `musicxml.py` needs the library that writes it, which comes with `pip install phraseloom[musicxml]`.
"""
