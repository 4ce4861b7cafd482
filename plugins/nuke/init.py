import faceplate_nuke
import nuke

nuke.pluginAddPath("./icons")
faceplate_nuke.start()
